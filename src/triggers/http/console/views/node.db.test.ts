import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hours } from '../../../../lib/duration.ts';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { NodeHealthStore } from '../../../../repositories/redis/monitoring/node-health-store.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { commandHere } from '../../../../testing/world/command-here.ts';

const NODE = '6f1c2f0e-0000-4000-8000-000000000001';

describe('maintenance of a node', () => {
  let console: ConsoleWorld;
  const until = new Date(Date.now() + hours(3));
  /** As a browser sends a moment, at the reader's clock. */
  const typed = (at: Date): string => new Date(at.getTime() + hours(9)).toISOString().slice(0, 16);
  beforeAll(async () => {
    console = await consoleWorld({ env: { TIME_ZONE: 'Asia/Tokyo' } });
    const now = new Date();
    const times = { since: now, checkedAt: now, flips: [] };
    const record = { nodeUuid: NODE, name: 'Amsterdam', country: 'NL', status: 'online', ...times } as const;
    await new NodeHealthStore(console.world.app.redis).replace(record, undefined);
  });
  afterAll(() => console[Symbol.asyncDispose]());

  const api = (method: 'GET' | 'POST', path: string, payload?: object) =>
    console.call(method, `/api/v1/${path}`, payload ? { payload } : {});
  const command = (...words: string[]) => commandHere(['maintenance', ...words], console.world.env);
  const acts = async () => {
    const { rows } = await console.world.database.pool.query(
      `select action, new_value->>'by' as by from audit_logs where entity_type = 'node' order by created_at`,
    );
    return rows.map(({ action, by }) => `${action} ${by.replace(/cli:.*/, 'cli')}`);
  };

  test('without our schema every door says in one sentence what to run', async () => {
    expect((await console.open(`/nodes/${NODE}`)).body).toContain('task-worker schema install');
    expect((await api('GET', 'maintenance')).statusCode).toBe(409);
    const planned = { to: until.toISOString(), reason: 'x' };
    expect((await api('POST', `nodes/${NODE}/maintenance`, planned)).json().detail).toContain('schema install');
    expect(await command()).toMatchObject({ code: 1, stderr: expect.stringContaining('schema install') });
    const wish = { _deed: 'plan', to: typed(until), reason: 'x', _sure: 'yes' };
    expect((await console.submit(`/nodes/${NODE}`, wish)).body).toContain('schema install');
  });

  describe('once it is installed', () => {
    beforeAll(async () => {
      await installOwnSchema(console.world.app.database);
    });

    test('a form asks, plans and ends it, and the page says until when, by whom and why', async () => {
      const wish = { _deed: 'plan', to: typed(until), reason: 'a new <kernel>' };
      const asked = await console.submit(`/nodes/${NODE}`, wish, { role: 'admin' });
      expect(asked.body).toContain('Nobody is alerted about');
      const done = await console.submit(`/nodes/${NODE}`, { ...wish, _sure: 'yes' }, { role: 'admin' });
      expect(done.body).toContain('Nobody is alerted about Amsterdam until');
      const again = await console.submit(`/nodes/${NODE}`, { ...wish, _sure: 'yes' }, { role: 'admin' });
      expect(again.body).toContain('Another window covers this time already');
      const { body } = await console.open(`/nodes/${NODE}`, { role: 'view' });
      for (const shown of ['In maintenance until', 'a new &lt;kernel&gt;', 'admin']) expect(body).toContain(shown);
      expect(body).not.toContain('End now:');
      expect((await console.open(`/nodes/${NODE}`, { headers: { 'accept-language': 'ru' } })).body).toContain(
        'На обслуживании до',
      );
      const job = await console.world.app.queues.get('monitoring').getJobs();
      expect(job.map(({ name }) => name)).toContain('check_server_health');
      const { windows } = (await api('GET', `maintenance?node=${NODE}`)).json();
      expect(windows).toMatchObject([
        { name: 'Amsterdam', state: 'on', reason: 'a new <kernel>', made_by: 'token:admin' },
      ]);
      const ended = await console.submit(`/nodes/${NODE}`, { _deed: 'end', _key: windows[0].id, id: windows[0].id });
      expect(ended.body).toContain('Maintenance is over');
      expect((await api('GET', 'maintenance')).json().windows).toEqual([]);
      expect(await acts()).toEqual(['node.maintenance_planned token:admin', 'node.maintenance_ended token:olga']);
    });

    test.each([
      { what: 'no reason', fields: { to: typed(until) }, says: 'is needed' },
      { what: 'an end that is past', fields: { to: '2020-01-01T10:00', reason: 'x' }, says: 'its end must be later' },
      { what: 'no end', fields: { reason: 'x' }, says: 'is needed' },
    ])('$what is told beside the form', async ({ fields, says }) => {
      const refused = await console.submit(`/nodes/${NODE}`, { _deed: 'plan', _sure: 'yes', ...fields });
      expect(refused.statusCode).toBe(422);
      expect(refused.body).toContain(says);
    });

    test('the API and the command line do the same', async () => {
      await console.world.database.pool.query('delete from audit_logs');
      const made = await api('POST', `nodes/${NODE}/maintenance`, { to: until.toISOString(), reason: 'disk' });
      expect(made.statusCode).toBe(201);
      const { id } = made.json();
      const again = await api('POST', `nodes/${NODE}/maintenance`, { to: until.toISOString(), reason: 'disk' });
      expect(again.statusCode).toBe(200);
      expect((await api('POST', `maintenance/${id}/end`)).json()).toMatchObject({
        state: 'over',
        ended_by: 'token:olga',
      });
      expect((await api('POST', `maintenance/${id}/end`)).statusCode).toBe(200);
      expect((await api('GET', 'maintenance?past=true')).json().windows.length).toBeGreaterThan(0);
      expect((await api('POST', `maintenance/${NODE}/end`)).statusCode).toBe(404);
      expect(
        (await api('POST', 'nodes/unknown/maintenance', { to: until.toISOString(), reason: 'x' })).statusCode,
      ).toBe(404);
      expect(
        (await api('POST', `nodes/${NODE}/maintenance`, { to: '2020-01-01T00:00:00Z', reason: 'x' })).statusCode,
      ).toBe(400);

      const to = ['--to', until.toISOString()];
      expect((await command('plan', 'Amsterdam', ...to, '--reason', 'ram')).stdout).toMatch(
        /nobody is alerted about Amsterdam/,
      );
      expect((await command('plan', NODE, ...to, '--reason', 'ram')).stdout).toContain('covers that already');
      const listed = (await command()).stdout;
      expect(listed).toContain('Amsterdam');
      const [windowId] = /[\da-f-]{36}/.exec(listed)!;
      expect((await command('end', windowId)).stdout).toContain('is over');
      expect((await command('end', windowId)).stdout).toContain('was over before');
      expect((await command()).stdout).toContain('No maintenance');
      for (const wrong of [
        ['stop'],
        ['plan', 'Nowhere', ...to, '--reason', 'x'],
        ['plan', 'Amsterdam', ...to],
        ['plan', 'Amsterdam', '--to', 'soon', '--reason', 'x'],
        ['plan', 'Amsterdam', '--reason', 'x'],
        ['end', 'x'],
        ['end', NODE],
      ])
        expect((await command(...wrong)).code, wrong.join(' ')).toBe(64);
      expect(await acts()).toEqual([
        ...['node.maintenance_planned token:olga', 'node.maintenance_ended token:olga'],
        ...['node.maintenance_planned cli', 'node.maintenance_ended cli'],
      ]);
    });
  });
});

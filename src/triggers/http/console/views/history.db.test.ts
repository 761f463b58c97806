import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../../../lib/duration.ts';
import { Incidents } from '../../../../repositories/history/incidents.ts';
import { installOwnSchema } from '../../../../repositories/history/own-schema.ts';
import { RunRows } from '../../../../repositories/history/run-rows.ts';
import { NodeHealthStore } from '../../../../repositories/redis/monitoring/node-health-store.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';

const NODE = '6f1c2f0e-0000-4000-8000-000000000001';
const WITHOUT = ['/jobs', '/nodes', '/alerts'] as const;

describe('views over the history', () => {
  let console: ConsoleWorld;
  const now = new Date();
  beforeAll(async () => {
    console = await consoleWorld();
  });
  afterAll(() => console[Symbol.asyncDispose]());

  async function past(): Promise<void> {
    const { database, redis } = console.world.app;
    await installOwnSchema(database);
    const rows = new RunRows(database);
    await rows.keepDays(now, 30);
    const run = (n: number, outcome: 'error' | 'success') => ({
      id: `0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b1${n}`,
      job_id: `job-${n}`,
      task: 'sync_user_stats',
      queue: 'sync',
      outcome,
      attempt: n,
      replays: 0,
      queued_at_ms: now.getTime() - minutes(n),
      ended_at_ms: now.getTime() - minutes(n),
      duration_ms: 1500,
      waited_ms: 1,
      correlation_id: `c-${n}`,
      initiated_by: 'schedule',
      source: 'schedule',
      customer: n === 1 ? '100005' : null,
      payload: '{"x":1}',
      payload_digest: null,
      error_class: outcome === 'success' ? null : 'away',
      error_text: outcome === 'success' ? null : `panel <b>no answer</b> ${n}`,
      error_fingerprint: outcome === 'success' ? null : '00000000000000aa',
    });
    await rows.add([run(1, 'error'), run(2, 'error'), run(3, 'success')]);
    const incidents = new Incidents(database);
    const began = new Date(now.getTime() - hours(3));
    const outage = { alert: `node_offline:${NODE}`, kind: 'node', subject: NODE, name: 'Amsterdam' } as const;
    await incidents.noteIncident({
      ...outage,
      beganAt: began,
      endedAt: new Date(now.getTime() - hours(1)),
      reason: 'no power',
      usersAffected: 42,
    });
    await incidents.noteAlert({
      ...{ alert: outage.alert, kind: 'node_offline', subject: 'Amsterdam', severity: 'critical', lasts: true },
      ...{ beganAt: began, toldAt: began, endedAt: new Date(now.getTime() - hours(1)), text: 'x' },
    });
    await incidents.noteLooks([
      { node: NODE, name: 'Amsterdam', from: began, to: new Date(now.getTime() - hours(1)), isUp: false },
    ]);
    const node = {
      nodeUuid: NODE,
      name: 'Amsterdam',
      country: 'NL',
      status: 'online',
      since: now,
      checkedAt: now,
      flips: [],
    } as const;
    await new NodeHealthStore(redis).replace(node, undefined);
  }

  test.each(WITHOUT)(
    '%s says in one sentence what to run where there is no history, in both languages',
    async (path) => {
      expect((await console.open(path)).statusCode).toBe(200);
      const english = (await console.open('/jobs')).body;
      expect(english).toContain('task-worker schema install');
      const russian = (await console.open('/jobs', { headers: { 'accept-language': 'ru' } })).body;
      expect(russian).toContain('task-worker schema install');
      expect(russian).toContain('Задания');
    },
  );

  describe('once it is installed', () => {
    beforeAll(past);

    test('runs are found by customer, outcome and text, and errors are grouped; what they say is text', async () => {
      const { body } = await console.open('/jobs?state=error');
      expect(body).toContain('href="/jobs/job-1"');
      expect(body).toContain('href="/jobs/job-2"');
      expect(body).not.toContain('href="/jobs/job-3"');
      expect(body).toContain('panel &lt;b&gt;no answer&lt;/b&gt;');
      expect(body).toContain('id="group-00000000000000aa"');
      const ofCustomer = (await console.open('/jobs?customer=100005')).body;
      expect(ofCustomer).toContain('id="run-0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b11"');
      expect(ofCustomer).not.toContain('id="run-0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b13"');
      expect((await console.open('/jobs?text=no%20answer')).body).toContain('id="run-');
      expect((await console.open('/jobs?text=100%25_')).body).toContain('No run fits');
    });

    test('a job that only the history knows has its attempts and its payload; an admin alone sees the payload', async () => {
      const { body } = await console.open('/jobs/job-1');
      expect(body).toContain('The queue does not know this job any more');
      expect(body).toContain('&quot;x&quot;: 1');
      expect((await console.open('/jobs/job-1', { role: 'view' })).body).not.toContain('&quot;x&quot;');
      expect((await console.open('/jobs/nothing')).statusCode).toBe(404);
    });

    test('acts on all that the filters find ask with the count first, and lead to the job that does it', async () => {
      const asked = await console.submit('/jobs?state=error', { _deed: 'discardFound' }, { role: 'admin' });
      expect(asked.body).toContain('2 jobs');
      // The yes brings back the number that was told; without it, or with another one, nothing is done.
      expect(asked.body).toContain('name="expected" value="2"');
      const yes = { _deed: 'discardFound', _sure: 'yes' };
      for (const moved of [yes, { ...yes, expected: '40' }]) {
        const refused = await console.submit('/jobs?state=error', moved, { role: 'admin' });
        expect(refused.statusCode).toBe(422);
        expect(refused.body).toContain('The filters find 2 jobs by now');
      }
      const told = { ...yes, expected: '2' };
      const begun = await console.submit('/jobs?state=error', told, { role: 'admin', plain: true });
      expect(begun.statusCode).toBe(303);
      expect(begun.headers.location).toMatch(/^\/jobs\/./);
      const none = await console.submit('/jobs?task=nothing', { _deed: 'replayFound' }, { role: 'admin' });
      expect(none.statusCode).toBe(422);
      expect(none.body).toContain('The filters find no job');
      const refused = await console.submit('/jobs?state=error', { _deed: 'replayFound' }, { role: 'support' });
      expect(refused.statusCode).toBe(403);
    });

    test('a node has its days and its outages, and a list with the worst first', async () => {
      const list = (await console.open('/nodes')).body;
      expect(list).toContain(`href="/nodes/${NODE}"`);
      expect(list).toContain('class="heatmap"');
      const { body } = await console.open(`/nodes/${NODE}`);
      expect(body).toContain('no power');
      expect(body).toContain('42');
      expect(body).toContain('2 h');
      expect((await console.open('/nodes/unknown-node')).statusCode).toBe(404);
    });

    test('past alerts are told with how long they lasted', async () => {
      const { body } = await console.open('/alerts');
      expect(body).toContain('Amsterdam is offline');
      expect(body).toContain('2 h');
      const russian = (await console.open('/alerts', { headers: { 'accept-language': 'ru' } })).body;
      expect(russian).toContain('узел недоступен');
    });
  });
});

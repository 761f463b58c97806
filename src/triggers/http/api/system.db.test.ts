import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../../lib/duration.ts';
import { html } from '../../../lib/html.ts';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { NodeHealthStore } from '../../../repositories/redis/monitoring/node-health-store.ts';
import { type ConsoleWorld, consoleWorld } from '../../../testing/console-world.ts';

const uuid = (n: number): string => `6f1c2f0e-0000-4000-8000-00000000000${n}`;

describe('nodes, alerts and the system over HTTP', () => {
  let http: ConsoleWorld;
  const now = new Date();
  beforeAll(async () => {
    http = await consoleWorld();
    const nodes = new NodeHealthStore(http.world.app.redis);
    const times = { since: now, checkedAt: now, flips: [] };
    await nodes.replace({ nodeUuid: uuid(1), name: 'Amsterdam', country: 'NL', status: 'online', ...times }, undefined);
    const down = { ...times, reason: 'no route' };
    await nodes.replace({ nodeUuid: uuid(2), name: 'Berlin', country: 'DE', status: 'offline', ...down }, undefined);
  });
  afterAll(() => http[Symbol.asyncDispose]());

  const get = async (path: string) => {
    const reply = await http.call('GET', `/api/v1/${path}`);
    return { status: reply.statusCode, body: reply.json() };
  };

  test('nodes are listed as on the page, the worst first, and the overview has the same', async () => {
    const { nodes } = (await get('nodes')).body;
    expect(nodes).toMatchObject([
      { uuid: uuid(2), status: 'offline', reason: 'no route', since: now.toISOString() },
      { uuid: uuid(1), status: 'online' },
    ]);
    const { body } = await http.open('/nodes', { role: 'view' });
    expect(body.indexOf('Berlin')).toBeLessThan(body.indexOf('Amsterdam'));
    expect((await get('overview')).body.nodes).toEqual([nodes[1], nodes[0]]);
  });

  test('one node has its state without our schema, and its maintenance with it', async () => {
    expect((await get(`nodes/${uuid(1)}`)).body).toMatchObject({ name: 'Amsterdam', status: 'online' });
    await installOwnSchema(http.world.app.database);
    const to = new Date(Date.now() + hours(2)).toISOString();
    const planned = await http.call('POST', `/api/v1/nodes/${uuid(1)}/maintenance`, {
      payload: { to, reason: 'kernel' },
    });
    expect(planned.statusCode).toBe(201);
    expect((await get(`nodes/${uuid(1)}`)).body.maintenance).toEqual(planned.json());
    expect((await http.open(`/nodes/${uuid(1)}`)).body).toContain('In maintenance until');
    expect((await get(`nodes/${uuid(3)}`)).status).toBe(404);
    expect(await get('nodes/a%20b')).toMatchObject({ status: 400, body: { errors: [{ pointer: 'path id' }] } });
  });

  test('each alert has the page that says what to do, and mutes of others are listed', async () => {
    const alert = { kind: 'node_offline', severity: 'critical', subject: 'Berlin', since: now } as const;
    const [on, muted] = [`node_offline:${uuid(2)}`, `node_offline:${uuid(1)}`];
    const states = http.world.app.parts.alertStates;
    const conditions = [on, muted].map((id) => ({ id, ...alert }));
    await states.begin(conditions, () => html`Berlin is offline`, now);
    const until = new Date(Date.now() + hours(1)).toISOString();
    expect((await http.call('POST', '/api/v1/alerts/mute', { payload: { alert: muted, until } })).statusCode).toBe(200);
    await states.drop([muted], new Date());
    const { alerts, mutes } = (await get('alerts')).body;
    expect(alerts).toMatchObject([{ id: on, runbook: expect.stringMatching(/^\/runbooks\//) }]);
    expect((await http.open(alerts[0].runbook, { role: 'view' })).statusCode).toBe(200);
    expect(mutes).toMatchObject([{ alert: muted, muted_by: 'token:olga', muted_until: until }]);
    const past = (await get('alerts/history')).body.alerts;
    for (const one of past) expect(one.runbook).toBe(alerts[0].runbook);
  });

  test('processes, breakers and limits are those of the page', async () => {
    const notes = http.world.app.parts.foundation.processNotes;
    const note = { host: 'z', role: 'worker', startedAt: now, at: now };
    const open = { service: 'remnawave', state: 'open', since: now, why: 'ECONNREFUSED' } as const;
    const closed = { service: 'remnawave', state: 'closed', since: now } as const;
    await notes.save({ ...note, pid: 7, version: '1.2.3', breakers: [closed] });
    expect((await get('system')).body).toMatchObject({ mixed_versions: false });
    await notes.save({ ...note, pid: 8, version: '1.2.2', breakers: [open] });
    await notes.save({ ...note, pid: 9, version: '0.9.9', at: new Date(Date.now() - minutes(3)), breakers: [] });
    const { body } = await get('system');
    expect(body).toMatchObject({
      version: http.context.version,
      mixed_versions: true,
      processes: [
        { host: 'z', pid: 7, role: 'worker', version: '1.2.3', heard_at: now.toISOString() },
        { pid: 8, version: '1.2.2' },
      ],
      breakers: [{ service: 'remnawave', state: 'open', why: 'ECONNREFUSED', processes: 1, of: 2 }],
      limits: { telegram: { sent: 0, paused_ms: 0 }, panel: { used: 0, waiting: 0 } },
    });
    const page = (await http.open('/system', { role: 'view' })).body;
    for (const shown of [
      'ECONNREFUSED',
      '1 of 2 processes',
      `0 of ${body.limits.telegram.per_second.toLocaleString('en')}`,
    ])
      expect(page).toContain(shown);
  });

  test('the examination finds what the page finds, and settings come without their secrets', async () => {
    const { body } = await get('system/examination');
    expect(body.patient).toBe(http.context.doctor.patient);
    const page = (await http.open('/system')).body;
    for (const { level, name } of body.findings) {
      expect(['ok', 'warning', 'failed']).toContain(level);
      expect(page).toContain(name.replaceAll('&', '&amp;'));
    }
    const { settings } = (await get('system/settings')).body;
    expect(settings.map(({ name }: { name: string }) => name)).toEqual([...http.context.settings.keys()]);
    const text = JSON.stringify(settings);
    for (const token of Object.values(http.tokens)) expect(text).not.toContain(token);
  });
});

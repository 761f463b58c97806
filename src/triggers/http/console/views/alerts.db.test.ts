import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hours, minutes } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { type ConsoleWorld, consoleWorld } from '../../../../testing/console-world.ts';
import { commandHere } from '../../../../testing/world/command-here.ts';

const NODE = 'node_offline:6f1c2f0e-0000-4000-8000-000000000001';

describe('answers to alerts', () => {
  let console: ConsoleWorld;
  beforeAll(async () => {
    console = await consoleWorld();
  });
  afterAll(() => console[Symbol.asyncDispose]());
  beforeEach(async () => {
    const { app, database, redis } = console.world;
    await redis.client.flushall();
    await database.pool.query('truncate audit_logs, notification_queue cascade');
    const now = new Date();
    const condition = {
      id: NODE,
      kind: 'node_offline',
      severity: 'critical',
      subject: 'Amsterdam',
      since: now,
    } as const;
    await app.parts.alertStates.begin([condition], () => html`Amsterdam is offline`, now);
  });

  const post = (path: string, payload: object) => console.call('POST', `/api/v1/alerts/${path}`, { payload });
  const command = (...words: string[]) => commandHere(['alerts', ...words], console.world.env);
  const wish = (deed: string) => console.submit('/alerts', { _deed: deed, id: NODE }, { role: 'admin' });
  const acts = async () =>
    (
      await console.world.database.pool.query(
        `select action, entity_id, new_value->>'by' as by from audit_logs where entity_type = 'alert' order by created_at`,
      )
    ).rows.map(({ action, by, entity_id: id }) => `${action} ${id === NODE} ${String(by).replace(/cli:.*/, 'cli')}`);

  test('the view has buttons for those who may, and says who answered what', async () => {
    expect((await console.open('/alerts', { role: 'view' })).body).not.toContain('name="_deed"');
    const before = (await console.open('/alerts', { role: 'admin' })).body;
    for (const shown of ['Amsterdam is offline', 'nobody has acknowledged it', 'Mute 8 h'])
      expect(before).toContain(shown);
    expect((await wish('acknowledge')).body).toContain('You take care of it');
    expect((await wish('acknowledge')).body).toContain('admin has done that already');
    expect((await wish('mute1')).body).toContain('Nobody is told of it until');
    expect((await wish('unmute')).body).toContain('The mute is over');
    expect((await wish('mute8')).body).toContain('Nobody is told of it until');
    const after = (await console.open('/alerts', { role: 'view' })).body;
    expect(after).toMatch(/muted<\/span> until[\s\S]{0,400}admin/);
    const inRussian = await console.open('/alerts', { headers: { 'accept-language': 'ru' } });
    expect(inRussian.body).toContain('отключено');
    expect(await acts()).toEqual([
      ...['alert.acknowledged', 'alert.muted', 'alert.unmuted', 'alert.muted'].map((act) => `${act} true token:admin`),
    ]);
    await console.world.app.parts.alertStates.drop([NODE], new Date());
    expect((await console.open('/alerts', { role: 'view' })).body).toContain(NODE);
    expect((await wish('acknowledge')).body).toContain('It is over.');
  });

  test('the API answers done, already with who, over, and 404; a time that cannot be is 422', async () => {
    const list = async () => (await console.call('GET', '/api/v1/alerts')).json().alerts;
    expect(await list()).toMatchObject([{ id: NODE, state: 'on', lasts: true, told: true }]);
    expect((await post('acknowledge', { alert: NODE })).json()).toEqual({ alert: NODE, outcome: 'done' });
    expect((await post('acknowledge', { alert: NODE })).json()).toMatchObject({
      outcome: 'already',
      by: 'token:olga',
    });
    const until = new Date(Date.now() + hours(2));
    expect((await post('mute', { alert: NODE, until: until.toISOString() })).json()).toMatchObject({ outcome: 'done' });
    expect(await list()).toMatchObject([
      { state: 'muted', acknowledged_by: 'token:olga', muted_until: until.toISOString() },
    ]);
    expect((await post('unmute', { alert: NODE })).json()).toMatchObject({ outcome: 'done' });
    expect((await post('unmute', { alert: NODE })).json()).toMatchObject({ outcome: 'over' });
    expect((await post('acknowledge', { alert: 'node_offline:x' })).statusCode).toBe(404);
    const past = new Date(Date.now() - minutes(1)).toISOString();
    expect((await post('mute', { alert: NODE, until: past })).statusCode).toBe(422);
    expect((await post('mute', { alert: NODE, until: 'soon' })).statusCode).toBe(400);
    expect(await acts()).toHaveLength(3);
  });

  test('the command line lists and answers, and the metrics count by state', async () => {
    expect((await command()).stdout).toContain(NODE);
    expect((await command('acknowledge', NODE)).stdout).toContain('nobody else is told');
    expect((await command('acknowledge', NODE)).stdout).toContain('has done that before');
    expect(await command('mute', NODE)).toMatchObject({ code: 64, stderr: expect.stringContaining('--hours') });
    const metrics = () => console.world.app.metrics.registry.metrics();
    expect(await metrics()).toContain('cybervpn_alerts{severity="critical",state="acknowledged"} 1');
    expect((await command('mute', NODE, '--hours', '2')).stdout).toContain('nobody is told of it until then');
    expect(await metrics()).toContain('cybervpn_alerts{severity="critical",state="muted"} 1');
    expect((await command('acknowledge', 'x')).stderr).toContain('There is no alert');
    expect(await acts()).toEqual(['alert.acknowledged true cli', 'alert.muted true cli']);
  });
});

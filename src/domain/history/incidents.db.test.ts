import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PanelNode } from '../../clients/remnawave/types.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';

const NODE = '0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b11';

describe('the history of incidents', () => {
  let world: TestApp;
  let at: Date;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    at = new Date(new Date().setUTCHours(23, 55, 0, 0) - minutes(60 * 24));
    await world.redis.client.flushall();
    await world.database.pool.query('drop schema if exists task_worker cascade; truncate notification_queue cascade');
  });

  /** One look at a node, this long after the last one. */
  async function look(afterMs: number, isConnected: boolean): Promise<void> {
    at = new Date(at.getTime() + afterMs);
    const node: PanelNode = {
      ...{ uuid: NODE, name: 'Amsterdam', countryCode: 'NL', inbounds: [] },
      ...{ isConnected, isConnecting: false, isDisabled: false, usersOnline: isConnected ? 42 : 0 },
      ...(!isConnected && { lastStatusMessage: 'connection refused' }),
    };
    await world.app.services.nodeWatch.observe({ items: [node], holes: [] }, at);
  }

  const kept = () => world.app.parts.incidents;

  test('has an outage of a node from begin to end, with its reason, users and alert, and the days of the node', async () => {
    await installOwnSchema(world.app.database);
    await look(0, true);
    await look(minutes(2), true);
    await look(minutes(2), false);
    await look(seconds(20), false);
    const [open] = await until('it has begun', async () => {
      const found = await kept().incidents({ open: true, limit: 10 });
      return found.length > 0 && found;
    });
    expect(open).toMatchObject({
      ...{ kind: 'node', subject: NODE, name: 'Amsterdam', reason: 'connection refused', usersAffected: 42 },
    });
    await look(minutes(2), true);
    await look(minutes(2), true);
    const [ended] = await until('it has ended', async () => {
      const found = (await kept().incidents({ limit: 10 })).filter(({ endedAt }) => endedAt);
      return found.length > 0 && found;
    });
    expect(ended!.id).toBe(open!.id);
    const alerts = await kept().alerts({ limit: 10 });
    expect(alerts).toMatchObject([
      { kind: 'node_offline', severity: 'critical', lasts: true, toldAt: expect.any(Date), endedAt: ended!.endedAt },
    ]);
    expect(alerts[0]!.text).toContain('Node Amsterdam is offline');
    // Five minutes to midnight, and then the rest: nothing is counted twice, and the time before the first look is not known.
    const nodeDays = await until('all looks are noted', async () => {
      const found = await kept().nodeDays(new Date(0), NODE);
      return found.reduce((sum, { downMs, upMs }) => sum + upMs + downMs, 0) === minutes(8) + seconds(20) && found;
    });
    expect(nodeDays).toHaveLength(2);
    expect(nodeDays[0]!.upMs + nodeDays[0]!.downMs).toBe(minutes(5));
    expect(nodeDays.reduce((sum, { downMs }) => sum + downMs, 0)).toBe(minutes(2) + seconds(20));
  });

  test('has what happened once, and once what is told once within a time', async () => {
    await installOwnSchema(world.app.database);
    const alert = {
      kind: 'payment_unresolved',
      subject: 'p1',
      severity: 'warning',
      onceWithinMs: minutes(60 * 24 * 365),
      message: () => html`Payment <b>p1</b> waits`,
    } as const;
    for (const ms of [0, 1_000]) await world.app.services.alerts.raise({ ...alert, at: new Date(at.getTime() + ms) });
    await world.app.services.alerts.raise({ ...alert, subject: 'p2', at });
    const found = await until('both are noted', async () => {
      const all = await kept().alerts({ limit: 10 });
      return all.length === 2 && all;
    });
    expect(found.map(({ lasts, subject }) => [subject, lasts]).sort()).toEqual([
      ['p1', false],
      ['p2', false],
    ]);
    expect(found[0]!.text).toContain('waits');
  });

  test('is not kept without the schema, and alerts go out as ever', async () => {
    await look(0, true);
    await look(minutes(2), false);
    await look(seconds(20), false);
    const { rows } = await world.database.pool.query('select message from notification_queue');
    expect(rows[0].message).toContain('Amsterdam');
  });
});

import { createHmac, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hours } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { metricValue, scrape } from '../src/testing/world/metrics.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

const EVENTS = 10_000;
const PEOPLE = 100;
/** Of them, these end in five hours: a reminder is due. */
const ENDING = 40;
/** Every twentieth event is somebody else's. */
const FORGED_EVERY = 20;
/** As many requests are under way at once. */
const AT_ONCE = 64;
const NAMES = ['user.modified', 'user.expired', 'user.limited', 'user.deleted', 'node.connection_lost'];

const secret = randomBytes(16).toString('hex');
const env = { REMNAWAVE_WEBHOOK_SECRET: secret, TELEGRAM_RATE_PER_SECOND: '1000' };
let world: World;
let worker: RoleProcess;
beforeAll(async () => {
  world = await World.start({ panel: { nodes: 1 }, env });
  for (let i = 0; i < PEOPLE; i += 1) {
    const endsIn = i < ENDING ? hours(5) : hours(24 * 60);
    world.panel!.addUser({ username: `person_${i}`, telegramId: 700_000 + i, expireAt: Date.now() + endsIn });
  }
  worker = await world.startWorker();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Events of the panel about people and a node that all stand as before: none of them is true. */
function eventOf(i: number): Buffer {
  const event = NAMES[i % NAMES.length]!;
  const data = event.startsWith('node') ? { name: 'node-1' } : { username: `person_${(i * 7) % PEOPLE}` };
  // Out of order: the panel numbers nothing, and an older one may come last.
  const timestamp = new Date(Date.now() - ((i * 7919) % 600_000)).toISOString();
  return Buffer.from(JSON.stringify({ scope: event.split('.')[0], event, timestamp, data }));
}

test('10,000 events at once, doubled, out of order and forged ones among them, end as polling alone would', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const post = (body: Buffer, key: string) =>
    new Promise<number>((resolve, reject) => {
      const signature = createHmac('sha256', key).update(body).digest('hex');
      const headers = {
        ...{ 'content-type': 'application/json', 'content-length': body.length },
        'x-remnawave-signature': signature,
      };
      const url = `${worker.httpUrl}/webhooks/remnawave`;
      const sent = request(url, { method: 'POST', agent, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode!));
      });
      sent.once('error', reject).end(body);
    });
  const statuses = new Map<number, number>();
  let next = 0;
  const take = async (): Promise<void> => {
    for (let i = next++; i < EVENTS; i = next++) {
      // Each second one is the one before it again.
      const status = await post(eventOf(i - (i % 2)), i % FORGED_EVERY === 0 ? 'somebody else' : secret);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
  agent.destroy();
  const forged = EVENTS / FORGED_EVERY;
  expect(Object.fromEntries(statuses)).toEqual({ 200: EVENTS - forged, 401: forged });
  const { rows } = await world.pool.query<{ is_valid: boolean; count: number }>(
    "select is_valid, count(*)::int as count from webhook_logs where source = 'remnawave' group by 1 order by 1",
  );
  expect(rows.find(({ is_valid }) => is_valid)!.count).toBeGreaterThan(0);

  await until('all looks are done', async () => (await waiting()) === 0);
  await world.dispatch('check_expiring_subscriptions');
  await until('the sweep is done', async () => (await done('check_expiring_subscriptions')) >= 1);
  await world.dispatch('process_notification_queue');
  await until('each who is due is told', () => world.telegram.messages().length >= ENDING);
  await until('nothing waits to be sent', async () => {
    const { rows: open } = await world.pool.query("select 1 from notification_queue where status = 'pending'");
    return open.length === 0;
  });
  const told = world.telegram.messages().map(({ chat_id }) => chat_id);
  expect([...told].sort((a, b) => a - b)).toEqual(Array.from({ length: ENDING }, (_, i) => 700_000 + i));
  expect(new Set(world.panel!.users().map(({ status }) => status))).toEqual(new Set(['ACTIVE']));
});

const done = async (task: string): Promise<number> =>
  metricValue(await scrape(worker.httpUrl), 'taskiq_task_total', { task_name: task, status: 'success' });

/** People and sweeps that are still to be looked at. */
async function waiting(): Promise<number> {
  const [people, ...queues] = await Promise.all([
    world.redisClient.hlen('cybervpn:subscriptions:looks'),
    ...['subscriptions', 'monitoring'].flatMap((queue) => [
      world.redisClient.llen(`cybervpn:jobs:{${queue}}:wait`),
      world.redisClient.llen(`cybervpn:jobs:{${queue}}:active`),
    ]),
  ]);
  return queues.reduce((sum, count) => sum + count, people!);
}

import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIntake } from '../../app/doors/intake.ts';
import { type HttpWorld, httpWorld } from '../../testing/http-world.ts';
import { until } from '../../testing/until.ts';
import { messageData } from './intake.fixture.ts';

let http: HttpWorld;
let intake: NonNullable<ReturnType<typeof startIntake>>;
beforeAll(async () => {
  http = await httpWorld();
  intake = startIntake(http.world.app)!;
});
afterAll(async () => {
  await intake.stop();
  await http[Symbol.asyncDispose]();
});

const TASK = 'execute_bulk_broadcast';
const fields = (count: number): string[] => Array.from({ length: count }, (_, i) => [`f${i}`, 'x']).flat();
const names = (count: number): string => Array.from({ length: count }, (_, i) => `"k${i}":12`).join(',');
const same = (count: number): string => Array(count).fill('"k":1').join(',');
const levels = (count: number): string => '['.repeat(count) + ']'.repeat(count);
const calling = (kwargs: string, taskId = 'a1'): string[] => [
  'data',
  `{"task_id":"${taskId}","task_name":"${TASK}","labels":{},"args":[],"kwargs":${kwargs}}`,
];
const list = (count: number, entry: unknown): string => `[${Array(count).fill(JSON.stringify(entry)).join(',')}]`;

/**
 * Of work, not by the clock. Each of them took many seconds, or was never done with; reading 10 MB of good JSON is a good part of it. They
 * take up to 250 ms on a quiet machine, and many times that where it is full and coverage is measured.
 */
const SOON_MS = 4_000;

test.each<[what: string, entry: string[], reason: string]>([
  ['4,500 fields', fields(4_500), 'no_data'],
  ['4,500 fields beside a message', ['data', messageData('a1'), ...fields(4_499)], 'unknown_task'],
  ['a field of 10 MB that is no JSON', ['data', 'x'.repeat(10_000_000)], 'not_json'],
  [
    'a message with a text of 10 MB',
    calling(`{"telegram_ids":[1],"message":"${'x'.repeat(10_000_000)}"}`),
    'payload_invalid',
  ],
  [
    '10 MB of labels',
    ['data', `{"task_id":"a1","task_name":"x","labels":{${names(700_000)}},"args":[],"kwargs":{}}`],
    'too_complex',
  ],
  ['7 MB of unknown names', calling(`{${names(600_000)}}`), 'too_complex'],
  ['400,000 bad ids', calling(`{"message":"x","telegram_ids":${list(400_000, 'x')}}`), 'payload_invalid'],
  ['more ids than may be', calling(`{"message":"x","telegram_ids":${list(600_000, 1)}}`), 'payload_invalid'],
  ['200,000 levels', calling(`{"x":${levels(200_000)}}`), 'too_complex'],
  ['200,000 levels that are never closed', ['data', '['.repeat(200_000)], 'too_complex'],
  ['10,000 times the same name', calling(`{${same(10_000)}}`), 'too_complex'],
  [
    '100,000 positional arguments',
    ['data', messageData('a1', { task_name: TASK, args: Array(100_000).fill(1) })],
    'payload_invalid',
  ],
  ['U+0000 in a text', calling('{"telegram_ids":[1],"message":"a\\u0000b"}'), 'payload_invalid'],
  ['half of a surrogate pair in a text', calling('{"telegram_ids":[1],"message":"a\\udc00b"}'), 'payload_invalid'],
  ['latin-1', ['data', Buffer.from(messageData('café'), 'latin1') as never], 'not_json'],
])('an entry with %s is dead soon and told, and the port answers meanwhile', async (_, entry, reason) => {
  const { redis, app } = http.world;
  const before = { dead: await app.deadEntries.count(), work: process.cpuUsage() };
  const id = await redis.client.xadd('taskiq', '*', ...entry);
  let answers = 0;
  await until('it is buried and acknowledged', async () => {
    expect((await http.server.inject('/health/live')).statusCode).toBe(200);
    answers += 1;
    // Looks are work of this process too: seldom enough not to count when a busy machine makes the entry wait.
    await delay(200);
    const buried = (await app.deadEntries.count()) - before.dead;
    return buried === 1 && (await redis.client.xpending('taskiq', 'taskiq'))[0] === 0;
  });
  expect(process.cpuUsage(before.work).user / 1000).toBeLessThan(SOON_MS);
  expect(answers).toBeGreaterThan(0);
  const [letter] = await app.deadEntries.list(1);
  expect(letter).toMatchObject({ entryId: id, reason });
  expect(letter!.detail.length).toBeLessThan(3_000);
});

test.each(['cybervpn:dashboard:realtime', 'lockout:olga', 'taskiq', 'bull:{sync}:meta'])(
  'a message whose id is the key %s changes nothing at it',
  async (key) => {
    const { redis, app } = http.world;
    const typeBefore = await redis.client.type(key);
    if (typeBefore === 'none') await redis.client.set(key, 'of others');
    const before = await app.deadEntries.count();
    await redis.client.xadd('taskiq', '*', 'data', messageData(key, { task_name: 'sync_user_stats' }));
    await until('it is buried', async () => (await app.deadEntries.count()) > before);
    const [letter] = await app.deadEntries.list(1);
    expect(letter).toMatchObject({ reason: 'invalid_field', taskId: '', detail: expect.stringMatching(/^task_id /) });
    if (typeBefore === 'none') expect(await redis.client.get(key)).toBe('of others');
    else expect(await redis.client.type(key)).toBe(typeBefore);
  },
);

test.each(['meta', 'wait', 'id', 'stalled-check'])(
  'a message whose id is %s, a key of the queue, becomes a job',
  async (id) => {
    await http.world.redis.client.xadd('taskiq', '*', 'data', messageData(id, { task_name: 'sync_user_stats' }));
    const queue = http.world.app.queues.get('sync');
    const jobId = `taskiq-${Buffer.from(id).toString('base64url')}`;
    expect(await until('it is a job', () => queue.getJob(jobId))).toMatchObject({ name: 'sync_user_stats' });
  },
);

test('a dead letter with an id that no stream can have is not found', async () => {
  for (const id of ['18446744073709551616-0', '1-18446744073709551616', '99999999999999999999-1']) {
    expect((await http.call('GET', `/api/v1/dead-letters/${id}`)).statusCode).toBe(404);
    expect((await http.call('POST', `/api/v1/dead-letters/${id}/replay`)).statusCode).toBe(404);
    expect((await http.call('GET', `/dead-letters/${id}`)).statusCode).toBe(404);
  }
});

import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startIntake } from '../../app/doors/intake.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { DeadEntries } from './dead-entries.ts';

/** Values that a producer, or somebody else with access to the stream, sends in place of others. */
const hostileText = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '0',
      '-1',
      '1e999',
      ':',
      'a:b',
      'bull:{sync}:meta',
      '__proto__',
      'constructor',
      'None',
      'NaN',
      '\u0000',
    ],
    ...['{"a":', '../../etc/passwd', "'; drop table users; --", '🙂', '\ud800', 'x'.repeat(300), '9'.repeat(400)],
  ),
  fc.string({ unit: 'binary', maxLength: 50 }),
);
const hostile = fc.oneof(hostileText, fc.jsonValue({ maxDepth: 3 }), fc.double(), fc.bigInt().map(String));
const hostileRecord = fc.dictionary(hostileText, hostile, { maxKeys: 4 });

const LABELS = ['priority', 'timeout', 'delay', 'retry_policy', 'queue', 'max_retries'];
const labels = fc.oneof(fc.dictionary(fc.constantFrom(...LABELS), hostile, { maxKeys: 4 }), hostileRecord);

/** A message with all its fields, one of which may be spoilt or missing. */
const message = (names: readonly string[]) =>
  fc
    .record({
      fields: fc.record({
        task_id: fc.oneof(hostileText, fc.uuid()),
        task_name: fc.oneof(fc.constantFrom(...names), hostileText),
        labels,
        labels_types: fc.oneof(hostileRecord, fc.constant(null)),
        args: fc.array(hostile, { maxLength: 4 }),
        kwargs: fc.oneof(hostileRecord, fc.record({ telegram_id: hostile, message: hostile, user_uuids: hostile })),
      }),
      spoilt: fc.option(fc.tuple(fc.constantFrom('task_id', 'task_name', 'labels', 'args', 'kwargs'), hostile)),
    })
    .map(({ fields, spoilt }) => JSON.stringify(spoilt ? { ...fields, [spoilt[0]]: spoilt[1] } : fields));

/** The fields of one stream entry, as bytes. */
const entry = (names: readonly string[]) =>
  fc.oneof(
    { weight: 5, arbitrary: message(names).map((data) => ['data', data]) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => ['data', Buffer.from(bytes)]) },
    { weight: 1, arbitrary: fc.json().map((data) => ['data', data]) },
    { weight: 1, arbitrary: fc.tuple(hostileText, hostileText, hostileText, hostileText) },
  );

let world: TestApp;

beforeAll(async () => {
  world = await testApp();
});
afterAll(() => world[Symbol.asyncDispose]());

async function counted(result: string): Promise<number> {
  const text = await world.app.metrics.registry.metrics();
  return Number(
    new RegExp(`^cybervpn_taskiq_messages_total{[^}]*result="${result}"[^}]*} (\\d+)`, 'm').exec(text)?.[1] ?? 0,
  );
}

test('whatever stands in the stream is dispatched or a dead letter with its reason, acknowledged, and blocks nothing behind it', async () => {
  const redis = world.redis.client;
  const deadEntries = new DeadEntries({ redis, stream: 'taskiq', group: 'taskiq' });
  const intake = startIntake(world.app)!;
  const names = world.app.registry.tasks.map(({ name }) => name);
  let sent = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(entry(names), { minLength: 20, maxLength: 40 }), async (entries) => {
      const pipeline = redis.pipeline();
      for (const fields of entries) pipeline.xadd('taskiq', '*', ...(fields as [string, string]));
      const taskId = randomUUID();
      const last = { task_id: taskId, task_name: 'sync_user_stats', labels: {}, args: [], kwargs: {} };
      pipeline.xadd('taskiq', '*', 'data', JSON.stringify(last));
      await pipeline.exec();
      sent += entries.length + 1;

      await until('the message behind them is a job', () => world.app.queues.get('sync').getJob(taskId));
      await until('all are acknowledged', async () => (await redis.xpending('taskiq', 'taskiq'))[0] === 0);
      expect((await counted('accepted')) + (await deadEntries.count())).toBe(sent);
    }),
    // Redis keeps the entries of each run, so there is nothing to shrink.
    { numRuns: 15, endOnFailure: true },
  );
  await intake.stop();

  const dead = await deadEntries.list(sent);
  expect(dead.length).toBeGreaterThan(sent / 4);
  expect(await counted('accepted')).toBeGreaterThan(15);
  for (const { detail, reason } of dead) {
    expect(reason).toMatch(/^(no_data|not_json|too_complex|missing_field|invalid_field|unknown_task|payload_invalid)$/);
    expect(detail).not.toBe('');
  }
}, 60_000);

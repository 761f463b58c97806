import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Log } from '../../observability/log.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { startIntake } from './intake.ts';

let world: TestApp;
beforeAll(async () => {
  world = await testApp();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Hands one message over, and returns its job with the warnings that were logged meanwhile. */
async function handedOver(taskName: string, args: readonly unknown[], kwargs: object) {
  const warnings: { fields: object; message: string }[] = [];
  const log: Log = { ...world.app.log, warn: (fields, message) => warnings.push({ fields, message }) };
  const intake = startIntake({ ...world.app, log })!;
  const taskId = randomUUID();
  const data = JSON.stringify({ task_id: taskId, task_name: taskName, labels: {}, args, kwargs });
  await world.redis.client.xadd('taskiq', '*', 'data', data);
  const { queue } = world.app.registry.get(taskName).task;
  const job = await until('the message is a job', () => world.app.queues.get(queue).getJob(taskId));
  await until('it is acknowledged', async () => (await world.redis.client.xpending('taskiq', 'taskiq'))[0] === 0);
  await intake.stop();
  return { job, warnings, taskId };
}

test('a field that a producer sends and the task does not have is kept nowhere, and named in the log once', async () => {
  const kwargs = { email: 'a@example.org', otp_code: '111111', code: '654321', context: { code: '654321' } };
  const { job, taskId, warnings } = await handedOver('send_otp_email', [], kwargs);
  expect(job.data.payload).toEqual({ email: 'a@example.org', otp_code: '111111' });
  expect(JSON.stringify(await world.redis.client.hgetall(world.app.queues.get('email').toKey(taskId)))).not.toContain(
    '654321',
  );
  expect(warnings).toEqual([
    {
      fields: { task: 'send_otp_email', job_id: taskId, fields: ['code', 'context'], count: 2 },
      message: 'a producer sent fields that the task does not have; they were ignored',
    },
  ]);
  expect(JSON.stringify(warnings)).not.toContain('654321');
});

test('the same holds within an object of the payload; where nothing is ignored nothing is said', async () => {
  const bulk = await handedOver('execute_bulk_operation', ['disable', ['u1'], { reason: 'abuse' }], {});
  expect(bulk.job.data.payload).toEqual({ operation: 'disable', user_uuids: ['u1'], params: {} });
  expect(bulk.warnings.map(({ fields }) => fields)).toMatchObject([{ fields: ['params.reason'] }]);
  const plain = await handedOver('send_notification', [5, 'hi'], {});
  expect(plain.warnings).toEqual([]);
});

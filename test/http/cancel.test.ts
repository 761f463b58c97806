import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';

let world: World;
/** A process that answers the API and runs no jobs; a worker beside it runs them. */
let asked: RoleProcess;
const token = randomBytes(16).toString('hex');

beforeAll(async () => {
  world = await World.start({ env: { API_TOKENS: `olga:${token}`, LOG_LEVEL: 'INFO' } });
  [asked] = await Promise.all([world.startScheduler(), world.startWorker()]);
});
afterAll(() => world[Symbol.asyncDispose]());

async function api(base: string, method: string, path: string, body?: object) {
  const response = await fetch(`${base}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a broadcast that waits for its rows ends at once, and is not a dead letter that cancels itself again when replayed', async () => {
  world.telegram.faults({ kind: 'hang' });
  const payload = { telegram_ids: [100_001, 100_002], message: 'Hello', notification_type: 'broadcast' };
  const sent = await api(asked.httpUrl, 'POST', '/tasks/broadcast_message', payload);
  const path = `/jobs/${String(sent.body.job_id)}`;
  const state = async () => (await api(asked.httpUrl, 'GET', path)).body.state;
  await until('the broadcast waits', async () => (await state()) === 'delayed');

  expect(await api(asked.httpUrl, 'DELETE', path)).toMatchObject({ status: 202 });
  await until('it has ended', async () => (await state()) === 'failed');
  expect((await api(asked.httpUrl, 'GET', path)).body.error).toContain('was cancelled');

  expect(await api(asked.httpUrl, 'POST', `/dead-letters/${String(sent.body.job_id)}/replay`)).toMatchObject({
    status: 202,
  });
  await until('it waits again', async () => (await state()) === 'delayed');
  world.telegram.faults();
});

test('a job is cancelled wherever it runs: asked at one process, running in another', async () => {
  world.telegram.faults({ kind: 'hang' });
  const payload = { telegram_id: 100_001, message: 'Hello', notification_type: 'info' };
  const sent = await api(asked.httpUrl, 'POST', '/tasks/send_notification', payload);
  const path = `/jobs/${String(sent.body.job_id)}`;
  await until('the job runs', async () => (await api(asked.httpUrl, 'GET', path)).body.state === 'active');

  expect(await api(asked.httpUrl, 'DELETE', path)).toMatchObject({ status: 202, body: { status: 'cancelling' } });
  await until('it has ended', async () => (await api(asked.httpUrl, 'GET', path)).body.state === 'failed');
  expect((await api(asked.httpUrl, 'GET', path)).body.error).toContain('was cancelled');
  expect(await api(asked.httpUrl, 'DELETE', path)).toMatchObject({ status: 409 });
});

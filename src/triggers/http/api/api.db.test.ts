import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type PanelSandbox, startPanelSandbox } from '../../../../sandbox/panel/server.ts';
import { TEXT_NAMES } from '../../../lib/customer-texts.ts';
import { installOwnSchema } from '../../../repositories/history/own-schema.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { ProblemBody } from '../problem.ts';
import { apiRoutes } from './routes.ts';

let http: HttpWorld;
let panel: PanelSandbox;

beforeAll(async () => {
  panel = await startPanelSandbox({ generation: 3 });
  http = await httpWorld({
    env: { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token, DISABLED_TASKS: 'sync_user_stats' },
  });
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await panel[Symbol.asyncDispose]();
});

const message = { telegram_id: 100_001, message: 'Hello', notification_type: 'info' };

/** Queues one job that nobody takes, because this test has no runner. */
async function queued(): Promise<string> {
  const response = await http.call('POST', '/api/v1/tasks/send_notification', { payload: message });
  expect(response.statusCode).toBe(202);
  return response.json<{ job_id: string }>().job_id;
}

async function problemOf(response: { statusCode: number; headers: object; json(): unknown }) {
  expect(response.headers).toMatchObject({ 'content-type': 'application/problem+json; charset=utf-8' });
  const body = ProblemBody.parse(response.json());
  expect(body.status).toBe(response.statusCode);
  return body;
}

describe('dispatching', () => {
  test('a task answers 202 with the job, in the name of the token', async () => {
    const id = await queued();
    const job = await http.call('GET', `/api/v1/jobs/${id}`);
    expect(job.json()).toMatchObject({
      id,
      task: 'send_notification',
      state: 'waiting',
      initiated_by: 'token:olga',
      source: 'http',
    });
  });

  test('who dispatched what stands in audit_logs', async () => {
    const id = await queued();
    const { rows } = await http.world.database.pool.query(
      "select new_value, entity_id, ip_address, user_agent from audit_logs where action = 'task.dispatched' and new_value->>'job_id' = $1",
      [id],
    );
    const digest = createHash('sha256').update(JSON.stringify(message)).digest('hex');
    expect(rows).toEqual([
      {
        new_value: { by: 'token:olga', role: 'owner', payload_sha256: digest, job_id: id },
        entity_id: 'send_notification',
        ip_address: '127.0.0.1',
        user_agent: 'lightMyRequest',
      },
    ]);
  });

  test('a scheduled task for three days is three jobs, and for the same day it says already', async () => {
    const ask = async (payload: object) => {
      const response = await http.call('POST', '/api/v1/tasks/aggregate_daily_stats', { payload });
      expect(response.statusCode).toBe(202);
      return response.json<{ job_id: string; already: boolean }>();
    };
    const days = [{ date: '2026-03-01' }, { date: '2026-03-02' }, {}];
    const first = [await ask(days[0]!), await ask(days[1]!), await ask(days[2]!)];
    expect(new Set(first.map(({ job_id: id }) => id)).size).toBe(3);
    expect(first.map(({ already }) => already)).toEqual([false, false, false]);
    for (const [i, day] of days.entries()) expect(await ask(day)).toEqual({ ...first[i], already: true });
    const schedule = await http.call('POST', '/api/v1/schedules/aggregate_daily_stats/run');
    expect(schedule.json()).toEqual({ ...first[2], already: true });
  });

  test('a payload that does not fit is answered with every bad field', async () => {
    const payload = { telegram_id: 'me', message: '' };
    const response = await http.call('POST', '/api/v1/tasks/send_notification', { payload });
    const problem = await problemOf(response);
    expect(problem.status).toBe(400);
    expect(problem.errors!.map(({ pointer }) => pointer)).toEqual(expect.arrayContaining(['/telegram_id', '/message']));
  });

  test('an unknown task is 404 with the nearest names', async () => {
    const problem = await problemOf(await http.call('POST', '/api/v1/tasks/send_notificatoin', { payload: {} }));
    expect(problem).toMatchObject({ status: 404, type: '/api/docs#unknown-task' });
    expect(problem.detail).toContain('send_notification');
  });

  test('a body beyond 1 MiB, or 8 MiB for a payload, is 413 with the limit', async () => {
    const tooLong = { ...message, message: 'x'.repeat(8_400_000) };
    const payload = await http.call('POST', '/api/v1/tasks/send_notification', { payload: tooLong });
    expect(await problemOf(payload)).toMatchObject({ status: 413, detail: 'Send at most 8388608 bytes.' });
    const decision = await http.call('POST', '/api/v1/brakes/x/confirm', {
      payload: { decision: 'x'.repeat(1_050_000) },
    });
    expect(await problemOf(decision)).toMatchObject({ status: 413, detail: 'Send at most 1048576 bytes.' });
  });

  test('the longest list of users is taken, one more is refused', async () => {
    const users = Array.from({ length: 100_001 }, () => randomUUID());
    const post = (user_uuids: string[]) =>
      http.call('POST', '/api/v1/tasks/execute_bulk_user_operation', { payload: { operation: 'disable', user_uuids } });
    expect((await post(users.slice(1))).statusCode).toBe(202);
    expect(await problemOf(await post(users))).toMatchObject({ status: 400, errors: [{ pointer: '/user_uuids' }] });
  });

  test('a body that is not JSON is 415, one that only says so is 400', async () => {
    const send = (contentType: string, payload: string) =>
      http.call('POST', '/api/v1/tasks/send_notification', { headers: { 'content-type': contentType }, payload });
    expect(await problemOf(await send('text/plain', 'hello'))).toMatchObject({ status: 415 });
    expect(await problemOf(await send('application/json', '{"a":'))).toMatchObject({ status: 400 });
    expect(await problemOf(await send('application/json', '[1]'))).toMatchObject({ status: 400 });
    expect(await problemOf(await send('application/json', '{"__proto__":{"x":1}}'))).toMatchObject({ status: 400 });
  });
});

describe('an Idempotency-Key', () => {
  const post = (key: string, payload: object, token?: string) =>
    http.call('POST', '/api/v1/tasks/send_notification', {
      payload,
      headers: { 'idempotency-key': key, ...(token && { authorization: `Bearer ${token}` }) },
    });

  test('twice is one job, also at once, whatever the order of fields', async () => {
    const key = randomUUID();
    const { notification_type, ...others } = message;
    const answers = await Promise.all([
      post(key, message),
      post(key, { notification_type, ...others }),
      post(key, message),
    ]);
    const ids = new Set(answers.map((answer) => answer.json<{ job_id: string }>().job_id));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202]);
    expect(ids.size).toBe(1);
    expect(answers.map((answer) => answer.json<{ already: boolean }>().already).sort()).toEqual([false, true, true]);
    const later = await post(key, message);
    expect(ids).toContain(later.json<{ job_id: string }>().job_id);
  });

  test('finds its job also when that has ended and is gone', async () => {
    const key = randomUUID();
    const { job_id: id } = (await post(key, message)).json<{ job_id: string }>();
    expect((await http.call('DELETE', `/api/v1/jobs/${id}`)).statusCode).toBe(200);
    expect((await post(key, message)).json()).toMatchObject({ job_id: id });
    expect((await http.call('GET', `/api/v1/jobs/${id}`)).statusCode).toBe(404);
  });

  test('whose record cannot be read makes no second job: the answer says to send another key', async () => {
    const key = randomUUID();
    await post(key, message);
    const { redis } = http.world;
    const [stored] = await redis.client.keys(`cybervpn:idempotency:*:${Buffer.from(key).toString('base64url')}`);
    await redis.client.set(stored!, '{"fingerprint":7}');
    expect(await problemOf(await post(key, message))).toMatchObject({
      status: 422,
      detail: expect.stringContaining('Send another key'),
    });
  });

  test('for another payload is refused', async () => {
    const key = randomUUID();
    await post(key, message);
    expect(await problemOf(await post(key, { ...message, message: 'Other' }))).toMatchObject({ status: 422 });
  });

  test('belongs to its token', async () => {
    const key = randomUUID();
    const mine = (await post(key, message)).json<{ job_id: string }>();
    const theirs = (await post(key, message, http.tokens.backend)).json<{ job_id: string }>();
    expect(theirs.job_id).not.toBe(mine.job_id);
  });
});

describe('jobs', () => {
  test('that wait are cancelled by taking them out of their queue', async () => {
    const id = await queued();
    const response = await http.call('DELETE', `/api/v1/jobs/${id}`);
    expect(response.json()).toEqual({ job_id: id, status: 'removed' });
    expect(await problemOf(await http.call('GET', `/api/v1/jobs/${id}`))).toMatchObject({ status: 404 });
  });

  test('have no id that is a record of the queue itself', async () => {
    for (const id of ['meta', 'wait', 'events', 'id', 'repeat', 'de', 'completed']) {
      expect((await http.call('GET', `/api/v1/jobs/${id}`)).statusCode, id).toBe(404);
      expect((await http.call('DELETE', `/api/v1/jobs/${id}`)).statusCode, id).toBe(404);
      expect((await http.call('POST', `/api/v1/dead-letters/${id}/replay`)).statusCode, id).toBe(404);
    }
  });

  test('have progress where something was recorded', async () => {
    const id = await queued();
    expect((await http.call('GET', `/api/v1/jobs/${id}/progress`)).statusCode).toBe(404);
    const at = new Date('2026-05-01T10:00:00Z');
    const counts = { processed: 3, total: 10, succeeded: 2, failed: 1, errors: [] };
    await http.context.progress.save(id, {
      operation: 'x',
      status: 'running',
      ...counts,
      startedAt: at,
      updatedAt: at,
    });
    const response = await http.call('GET', `/api/v1/jobs/${id}/progress`);
    expect(response.json()).toMatchObject({ job_id: id, ...counts });
  });
});

describe('what failed for good', () => {
  test('is listed, shown without its secrets, and replayed once', async () => {
    const data = JSON.stringify({
      task_id: 'a1',
      task_name: 'send_otp_email',
      labels: {},
      args: ['123456'],
      kwargs: { email: 'a@example.org', otp_code: '123456', verification: '123456' },
    });
    const id = await http.world.redis.client.xadd(
      'cybervpn:taskiq:dead',
      ...['*', 'reason', 'unknown_task', 'detail', 'No such task', 'task_id', 'a1', 'task_name', 'send_otp_email'],
      ...['time', '2026-05-01T10:00:00.000Z', 'data', data],
    );
    const listed = await http.call('GET', '/api/v1/dead-letters');
    expect(listed.json()).toMatchObject({ dead_letters: [{ id, kind: 'message', task: 'send_otp_email' }] });
    const shown = await http.call('GET', `/api/v1/dead-letters/${id}`);
    expect(shown.statusCode).toBe(200);
    expect(shown.body).toContain('a@example.org');
    expect(listed.body + shown.body).not.toContain('123456');

    expect((await http.call('POST', `/api/v1/dead-letters/${id}/replay`)).statusCode).toBe(202);
    expect((await http.call('POST', `/api/v1/dead-letters/${id}/replay`)).statusCode).toBe(404);
    expect(await http.world.redis.client.xlen('taskiq')).toBe(1);
  });
});

describe('schedules', () => {
  test('are listed, and one runs now as one job however often it is asked for', async () => {
    const { schedules } = (await http.call('GET', '/api/v1/schedules')).json<{ schedules: { task: string }[] }>();
    expect(schedules.map(({ task }) => task)).toContain('process_notification_queue');
    const run = () => http.call('POST', '/api/v1/schedules/process_notification_queue/run');
    const [first, second] = [await run(), await run()];
    expect(first.statusCode).toBe(202);
    expect(first.json()).toMatchObject({ already: false });
    expect(second.json()).toEqual({ ...first.json<object>(), already: true });
  });

  test('of a task that is switched off are shown as off, and not run', async () => {
    const { schedules } = (await http.call('GET', '/api/v1/schedules')).json<{ schedules: { task: string }[] }>();
    expect(schedules.find(({ task }) => task === 'sync_user_stats')).toMatchObject({ enabled: false, next_run: null });
    const run = await http.call('POST', '/api/v1/schedules/sync_user_stats/run');
    expect(await problemOf(run)).toMatchObject({ status: 409, type: '/api/docs#task-disabled' });
  });

  test('cannot be run for a task that has none', async () => {
    expect(await problemOf(await http.call('POST', '/api/v1/schedules/send_notification/run'))).toMatchObject({
      status: 404,
    });
  });
});

describe('brakes', () => {
  test('are listed with what can be decided, and take no other decision', async () => {
    await http.world.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, notification_type, scheduled_at)
       select gen_random_uuid(), 100001, 'old', 'info', now() - interval '3 days' from generate_series(1, 150)`,
    );
    const { brakes } = (await http.call('GET', '/api/v1/brakes')).json<{ brakes: object[] }>();
    expect(brakes).toMatchObject([{ name: 'notification_backlog', decisions: ['send', 'drop'] }]);
    const confirm = (decision: string) =>
      http.call('POST', '/api/v1/brakes/notification_backlog/confirm', { payload: { decision } });
    expect(await problemOf(await confirm('burn'))).toMatchObject({ status: 400, errors: [{ pointer: '/decision' }] });
    expect((await confirm('drop')).json()).toMatchObject({ name: 'notification_backlog' });
    expect(await problemOf(await confirm('drop'))).toMatchObject({ status: 404 });
  });
});

describe('a customer', () => {
  test('is explained by name and by Telegram id', async () => {
    panel.addUser({ username: 'anna', telegramId: 100_001, status: 'ACTIVE', expireAt: Date.now() + 3_600_000 });
    for (const who of ['anna', '100001']) {
      const { users } = (await http.call('GET', `/api/v1/users/${who}/explanation`)).json<{ users: object[] }>();
      expect(users).toMatchObject([{ username: 'anna', sentences: expect.arrayContaining([expect.any(String)]) }]);
    }
  });

  test('whom the panel does not know is 404; while the panel is away it is 503, and unknown', async () => {
    expect(await problemOf(await http.call('GET', '/api/v1/users/nobody/explanation'))).toMatchObject({ status: 404 });
    const away = await httpWorld();
    expect(await problemOf(await away.call('GET', '/api/v1/users/anna/explanation'))).toMatchObject({ status: 503 });
    await away[Symbol.asyncDispose]();
  });
});

test('the overview knows nothing at first, and says so', async () => {
  const { deliveries, ...rest } = (await http.call('GET', '/api/v1/overview')).json<Record<string, unknown>>();
  expect(rest).toMatchObject({ nodes: [], services: [], queues: null, alerts: [] });
  expect(deliveries).toHaveLength(60);
});

test('every answer of a route fits the schema that the document gives for it', async () => {
  await installOwnSchema(http.world.app.database);
  const id = await queued();
  for (const route of apiRoutes(http.context).filter(
    ({ method, answers }) => method === 'GET' && answers[200]?.schema,
  )) {
    const name = route.path.startsWith('/api/v1/texts/') ? TEXT_NAMES[0] : 'send_notification';
    const samples: Readonly<Record<string, string>> = { id, name, who: 'anna', kind: 'day', date: '2026-03-01' };
    const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => samples[name]!);
    const response = await http.call('GET', route.id === 'findUsers' ? `${path}?find=anna` : path);
    if (response.statusCode === 404) continue;
    expect(response.statusCode, route.id).toBe(200);
    expect(z.strictObject({}).catchall(z.unknown()).safeParse(response.json()).success).toBe(true);
    expect(route.answers[200]!.schema!.safeParse(response.json()).error, route.id).toBeUndefined();
  }
});

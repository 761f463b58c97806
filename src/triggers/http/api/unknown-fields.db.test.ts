import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { apiRoutes } from './routes.ts';

let http: HttpWorld;

beforeAll(async () => {
  http = await httpWorld();
});
afterAll(() => http[Symbol.asyncDispose]());

type Problem = { status: number; detail: string; errors: { pointer: string; detail: string }[] };

async function refused(method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object): Promise<Problem> {
  const response = await http.call(method, url, payload && { payload });
  expect(response.statusCode, `${method} ${url}`).toBe(400);
  return response.json<Problem>();
}

const fieldsOf = (payload: z.ZodObject): string[] => Object.keys(payload.shape);

describe('a payload', () => {
  test('of any task has no field that the task does not have: the answer names it and the nearest', async () => {
    for (const { name, payload } of http.context.registry.tasks) {
      const { errors } = await refused('POST', `/api/v1/tasks/${name}`, { quite_another: true });
      expect(
        errors.map(({ pointer }) => pointer),
        name,
      ).toContain('/quite_another');
      for (const field of fieldsOf(payload)) {
        const misspelt = await refused('POST', `/api/v1/tasks/${name}`, { [`z${field}`]: true });
        const found = misspelt.errors.find(({ pointer }) => pointer === `/z${field}`);
        expect(found?.detail, name).toBe(`unknown field \`z${field}\`; did you mean \`${field}\`?`);
      }
    }
    expect(await http.world.redis.client.keys('cybervpn:jobs:*:wait')).toEqual([]);
  });

  test('that is a misspelt dry run sends nothing to anybody', async () => {
    const payload = { telegram_ids: 'all', message: 'x', dryrun: true };
    const { detail, errors } = await refused('POST', '/api/v1/tasks/execute_bulk_broadcast', payload);
    expect(errors).toEqual([
      { pointer: '/dryrun', detail: expect.stringContaining('unknown field `dryrun`; did you mean `dry_run`?') },
    ]);
    expect(detail).toContain('dry_run');
  });

  test('is looked at within its objects too, and under each name of a task', async () => {
    const payload = { user_uuids: [1], params: { dry_run: true } };
    const { errors } = await refused('POST', '/api/v1/tasks/bulk_disable_users', payload);
    expect(errors.map(({ pointer }) => pointer)).toEqual(['/params/dry_run']);
  });

  test('has no field twice under two names, and none that its task’s name contradicts', async () => {
    const twice = { telegram_id: 1, chat_id: 2, message: 'x' };
    const { errors } = await refused('POST', '/api/v1/tasks/send_notification', twice);
    expect(errors).toEqual([{ pointer: '/chat_id', detail: 'is another name of `telegram_id`; give one of them' }]);
    const other = { operation: 'delete', user_uuids: [1] };
    const contradicted = await refused('POST', '/api/v1/tasks/bulk_disable_users', other);
    expect(contradicted.errors).toEqual([
      { pointer: '/operation', detail: expect.stringContaining('is always "disable" under this name of the task') },
    ]);
  });

  test('names what is unknown and what is wrong in one answer', async () => {
    const { errors } = await refused('POST', '/api/v1/tasks/send_notification', { telegram_id: 'me', mesage: 'x' });
    expect(errors.map(({ pointer }) => pointer)).toEqual(['/mesage', '/telegram_id', '/message']);
  });
});

describe('a request', () => {
  test('of any route has no query parameter that the route does not have', async () => {
    for (const { method, path } of apiRoutes(http.context)) {
      const url = path
        .replace('{name}', 'sync_user_stats')
        .replace('{task}', 'sync_user_stats')
        .replaceAll(/\{\w+\}/g, 'x');
      const { errors } = await refused(method, `${url}?dry_run=true`, method === 'POST' ? {} : undefined);
      expect(
        errors.map(({ pointer }) => pointer),
        path,
      ).toContain('query dry_run');
    }
    const { errors } = await refused('GET', '/api/v1/dead-letters?limits=5');
    expect(errors[0]!.detail).toBe('unknown query parameter `limits`; did you mean `limit`?');
  });

  test('of any route has no field in its body that the route does not have', async () => {
    const others = apiRoutes(http.context).filter(({ id, method }) => method === 'POST' && id !== 'dispatchTask');
    expect(others.length).toBeGreaterThan(2);
    for (const { method, path } of others) {
      const { errors } = await refused(method, path.replaceAll(/\{\w+\}/g, 'sync_user_stats'), { dry_run: true });
      expect(
        errors.map(({ pointer }) => pointer),
        path,
      ).toContain('/dry_run');
    }
  });
});

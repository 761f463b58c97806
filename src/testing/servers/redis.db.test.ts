import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LocalRedis, startRedis } from './redis.ts';

let redis: LocalRedis;
let client: Redis;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
});
beforeEach(() => {
  client = new Redis(redis.url, { maxRetriesPerRequest: null });
  // These tests lose the server on purpose; the client reconnects on its own.
  client.on('error', () => undefined);
  return async () => {
    await client.quit();
  };
});
afterAll(() => redis[Symbol.asyncDispose]());

test('never evicts, writes no snapshots, and can be reached from this machine only', async () => {
  expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
  expect(await client.config('GET', 'save')).toEqual(['save', '']);
  expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
});

test('with appendonly, what was written is there after a restart', async () => {
  await client.set('before', 'restart');
  await redis.restart();
  expect(await client.get('before')).toBe('restart');
});

test('after a kill it comes back on the same port', async () => {
  const before = redis.pid;
  await redis.kill();
  expect(redis.pid).toBeUndefined();
  await redis.restart();
  expect(redis.pid).not.toBe(before);
  expect(await client.ping()).toBe('PONG');
});

test('paused it answers nobody, resumed it answers what was asked meanwhile', async () => {
  await client.ping();
  redis.pause();
  const asked = client.ping();
  const answered = await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 100, 'nothing yet'))]);
  expect(answered).toBe('nothing yet');
  redis.resume();
  expect(await asked).toBe('PONG');
});

test('a paused server can be stopped', async () => {
  const server = await startRedis();
  server.pause();
  await server[Symbol.asyncDispose]();
  expect(server.pid).toBeUndefined();
});

test('a port that is taken is an error that says so', async () => {
  await expect(startRedis({ port: redis.port })).rejects.toThrow(/^Redis on port \d+: .*Address already in use/);
});

test('a stopped server cannot be paused', async () => {
  const server = await startRedis();
  await server.stop();
  expect(() => server.pause()).toThrow('SIGSTOP: it is not running; start it first');
  await server[Symbol.asyncDispose]();
});

test('disposed of, its folder is gone', async () => {
  const server = await startRedis();
  expect(existsSync(server.dir)).toBe(true);
  await server[Symbol.asyncDispose]();
  expect(existsSync(server.dir)).toBe(false);
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RedisClient } from '../../lib/redis-client.ts';
import { type LocalRedis, startRedis } from '../../testing/servers/redis.ts';
import { TcpProxy } from '../../testing/servers/tcp-proxy.ts';
import { until } from '../../testing/until.ts';
import { Cancellations } from './cancellations.ts';
import { connectRedis } from './connection.ts';

describe('a cancellation after a failover with the old server still alive', () => {
  let old: LocalRedis;
  let present: LocalRedis;
  let address: TcpProxy;
  const opened: RedisClient[] = [];
  beforeAll(async () => {
    [old, present] = await Promise.all([startRedis(), startRedis()]);
    address = await TcpProxy.start(old.port);
  });
  afterAll(async () => {
    for (const redis of opened) redis.disconnect();
    await address?.[Symbol.asyncDispose]();
    await Promise.all([old, present].map((server) => server?.[Symbol.asyncDispose]()));
  });

  function connect(name: string): RedisClient {
    const url = `redis://127.0.0.1:${address.port}`;
    const redis = connectRedis({ url, name, whenDown: 'fail', onError: () => undefined });
    opened.push(redis);
    return redis;
  }

  test('is heard again: the subscriber follows to the server that takes what is said', async () => {
    const redis = connect('runner');
    const cancelled: string[] = [];
    await using _listening = new Cancellations(redis).listen(
      (jobId) => cancelled.push(jobId),
      () => undefined,
      200,
    );
    const before = new Cancellations(connect('before'));
    await until('it is heard at the old server', async () => {
      await before.tell('first');
      return cancelled.includes('first');
    });

    address.aim(present.port);
    redis.disconnect(true);
    const after = new Cancellations(connect('after'));
    await until('it is heard at the present server', async () => {
      await after.tell('second');
      return cancelled.includes('second');
    });
  });

  test('that nobody heard is found by asking', async () => {
    const cancellations = new Cancellations(connect('asking'));
    await cancellations.leave('unheard');
    expect(await cancellations.among(['running', 'unheard', 'other'])).toEqual(['unheard']);
    expect(await cancellations.take('unheard')).toBe(true);
    expect(await cancellations.among(['unheard'])).toEqual([]);
  });
});

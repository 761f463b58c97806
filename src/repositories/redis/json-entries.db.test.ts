import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { days } from '../../lib/duration.ts';
import type { Hole, OnRead } from '../../lib/read-each.ts';
import { type TestRedis, testRedis } from '../../testing/redis.ts';
import { BrakeRecords } from './brakes/brake-records.ts';
import { BulkUserStates } from './bulk/bulk-user-states.ts';
import { keys } from './keys.ts';
import { Disablings } from './subscriptions/disablings.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(() => redis.client.flushall());

const NAMES = ['anna', 'boris', 'carla'];
const now = new Date();
const hold = { reason: 'share', wouldTouch: 9, listed: 10, expected: 10, since: now, toldAt: now } as const;
const disabling = { auditId: randomUUID(), status: 'ACTIVE', expireAt: now, user: undefined };

/** A hash of records: how one is written, and how all are read. Bulk states tell of a hole by an error. */
type Listed = { key: string; write(name: string): Promise<unknown>; read(): Promise<ReadonlyMap<string, unknown>> };
type Lists = (onRead: OnRead, onError: (error: unknown) => void) => Readonly<Record<string, Listed>>;

const lists: Lists = (onRead, onError) => {
  const { client } = redis;
  const disablings = new Disablings(client, onRead);
  const brakes = new BrakeRecords(client, onRead);
  const states = new BulkUserStates(client, onError);
  return {
    disablings: {
      key: keys.disablings(),
      write: (name) => disablings.begin(name, disabling),
      read: () => disablings.left(),
    },
    brakes: { key: keys.brake('holds'), write: (name) => brakes.replace(name, hold), read: () => brakes.all() },
    'bulk states': {
      key: keys.bulkUsers('job-1'),
      write: (name) => states.set('job-1', new Map([[name, { state: 'done' }]])),
      read: () => states.of('job-1'),
    },
  };
};

const ODD = ['', 'no json', '{}', 'null', '[]', '7', '{"state":"frozen"}', '{"reason":"new","status":7}'];

describe.each(['disablings', 'brakes', 'bulk states'])('one odd entry among the %s', (list) => {
  test.each(ODD)('%j: the others are served, and it is said which is left out', async (odd) => {
    const told: string[] = [];
    const tell = (holes: readonly Hole[]) => void told.push(...holes.map(({ item }) => item));
    const { key, read, write } = lists(
      ({ holes }) => tell(holes),
      (error) => told.push(String(error)),
    )[list]!;
    for (const name of NAMES) await write(name);
    expect(new Set((await read()).keys())).toEqual(new Set(NAMES));
    expect(told).toEqual([]);
    await redis.client.hset(key, 'boris', odd);
    expect(new Set((await read()).keys())).toEqual(new Set(['anna', 'carla']));
    expect(told).toEqual([expect.stringContaining('name boris')]);
  });
});

test('an intent that cannot be read is replaced by the next one about that user', async () => {
  const disablings = new Disablings(redis.client);
  await redis.client.hset(keys.disablings(), 'anna', '{"half":');
  const intent = { ...disabling, expireAt: new Date(Date.now() + days(1)) };
  expect(await disablings.begin('Anna', intent)).toEqual({ intent, isNew: true });
  expect(await disablings.left()).toEqual(new Map([['anna', intent]]));
});

test('a brake whose hold cannot be read stays on', async () => {
  await redis.client.hset(keys.brake('holds'), 'disable_expired_users', '{}');
  await expect(new BrakeRecords(redis.client).find('disable_expired_users')).rejects.toThrow();
});

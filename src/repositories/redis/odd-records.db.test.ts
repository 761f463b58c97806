import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { days, minutes, seconds } from '../../lib/duration.ts';
import type { OnRead } from '../../lib/read-each.ts';
import { testRedis } from '../../testing/redis.ts';
import { AlertStateStore } from './alerts/alert-state-store.ts';
import { BrakeRecords } from './brakes/brake-records.ts';
import { DailyStats } from './figures/daily-stats.ts';
import { MemoryReports } from './figures/memory-reports.ts';
import { IdempotencyKeys } from './idempotency-keys.ts';
import { keys } from './keys.ts';
import { BandwidthSamples } from './monitoring/bandwidth-samples.ts';
import { LastSuccesses } from './monitoring/last-successes.ts';
import { NodeHealthStore } from './monitoring/node-health-store.ts';
import { QueueSnapshots } from './monitoring/queue-snapshots.ts';
import { ServiceHealthStore } from './monitoring/service-health-store.ts';
import { WorkerTimes } from './monitoring/worker-times.ts';
import { ScheduleClaims } from './schedule-claims.ts';
import { ContactCounts } from './subscriptions/contact-counts.ts';
import { Disablings } from './subscriptions/disablings.ts';

const redis = await testRedis();
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(() => redis.client.flushall());

const now = new Date(Math.floor(Date.now() / 1_000) * 1_000);
const disabling = { auditId: randomUUID(), status: 'ACTIVE', expireAt: now, user: undefined };
const ODD = ['', 'no json', 'null', '[]', '7', '{}', '{"at":"soon","queues":{},"due":-1,"done":"yes"}'];

/** Collects what is said as `source item`. */
function told(): { said: string[]; onRead: OnRead } {
  const said: string[] = [];
  return { said, onRead: ({ holes, source }) => void said.push(...holes.map(({ item }) => `${source} ${item}`)) };
}

describe.each(ODD)('the only record is %j', (odd) => {
  test('of the queues: their depths are not known, which is not zero', async () => {
    const { onRead, said } = told();
    await redis.client.set(keys.queueSnapshot(), odd);
    expect(await new QueueSnapshots(redis.client, onRead).latest()).toBeUndefined();
    expect(said).toEqual([`queue_snapshot name ${keys.queueSnapshot()}`]);
  });

  test('of the customers without a chat: nothing is known of before', async () => {
    const { onRead, said } = told();
    await redis.client.set(keys.contactCounts(), odd);
    expect(await new ContactCounts(redis.client, onRead).last()).toBeUndefined();
    expect(said).toEqual([`contact_counts name ${keys.contactCounts()}`]);
  });

  test('of a request under an Idempotency-Key: it is not taken for a new one, and stays', async () => {
    const { onRead, said } = told();
    const key = keys.idempotency('ci', 'k');
    await redis.client.set(key, odd);
    const claimed = await new IdempotencyKeys(redis.client, onRead).claim('ci', 'k', { fingerprint: 'f', jobId: 'j' });
    expect(claimed).toBeUndefined();
    expect(await redis.client.get(key)).toBe(odd);
    expect(said).toEqual([`idempotency_keys name ${key}`]);
  });

  test('of a held run: it stays held, with what to do', async () => {
    const { onRead, said } = told();
    await redis.client.hset(keys.brake('holds'), 'disable_expired_users', odd);
    const found = new BrakeRecords(redis.client, onRead).find('disable_expired_users');
    await expect(found).rejects.toThrow('take the field disable_expired_users out of cybervpn:brake:holds');
    expect(said).toEqual(['brake_holds name disable_expired_users']);
  });

  test('of an alert: it is told anew, and every watch asks the rows what is on', async () => {
    const { onRead, said } = told();
    const alerts = new AlertStateStore(redis.client, onRead);
    const on = { id: 'a', kind: 'k', severity: 'warning', subject: 'a', since: now } as const;
    await alerts.noteRecalled('nodes');
    await redis.client.hset(keys.alertsOn(), 'a', odd);
    expect(await alerts.find(['a'], now)).toEqual([]);
    expect(said).toEqual(['alerts_on name a']);
    expect(await alerts.hasRecalled('nodes')).toBe(false);
    await redis.client.hset(keys.alertsOn(), 'a', odd);
    await alerts.markTold([on], now);
    expect(await alerts.begin(on, now)).toEqual({ verdict: 'tell', since: now });
    expect(await alerts.all(now)).toMatchObject([{ id: 'a', told: false }]);
  });

  test('of a node: its next look replaces it, and no other run does so meanwhile', async () => {
    const { onRead } = told();
    const nodes = new NodeHealthStore(redis.client, onRead);
    const record = { nodeUuid: 'n', name: 'n', country: 'DE', status: 'online', since: now, checkedAt: now } as const;
    // One that looks like a record of ours.
    const text = `${odd} "checked_at"`;
    await nodes.replace({ ...record, flips: [] }, undefined);
    await redis.client.set(keys.nodeHealth('n'), text);
    const { nodes: readable, unreadable } = await nodes.all();
    expect([readable, unreadable]).toEqual([[], new Map([['n', text]])]);
    expect(await nodes.replace({ ...record, flips: [] }, unreadable.get('n'))).toBe(true);
    expect(await nodes.replace({ ...record, flips: [] }, text)).toBe(false);
    expect((await nodes.all()).nodes).toMatchObject([{ record }]);
  });

  test('of the newest traffic: what has flowed since the one before it is not lost', async () => {
    const { onRead } = told();
    const samples = new BandwidthSamples(redis.client, onRead);
    const before = { at: new Date(now.getTime() - minutes(10)), totalBytes: 5 };
    await samples.add('n', before);
    await redis.client.zadd(keys.bandwidth('n'), now.getTime() / 1_000 - 300, odd);
    expect(await samples.latest('n', now)).toMatchObject(before);
  });

  test('of a process: the memory of its host is not known', async () => {
    const { onRead } = told();
    await redis.client.hset(keys.processMemory(), 'host-a 7', odd);
    expect(await new MemoryReports(redis.client, onRead).all(now)).toEqual({
      uses: [],
      unknownHosts: new Set(['host-a']),
    });
  });

  test('of the schedules of others: they hold anyway', async () => {
    const { onRead, said } = told();
    const later = Date.now() + seconds(30);
    // An empty object is a scheduler without schedules.
    const text = odd === '{}' ? '{"sweep":7}' : odd;
    await redis.client.hset(keys.scheduleClaim(), 'schedules', text, 'by', 'host-b', 'startedAt', later);
    const mine = new ScheduleClaims(redis.client, 'host-a', onRead);
    const theirs = { schedules: undefined, by: 'host-b', startedAt: new Date(later) };
    expect(await mine.claim({ sweep: 'every minute' })).toEqual(theirs);
    expect(await mine.current()).toEqual(theirs);
    expect(said).toEqual(['schedule_claims name host-b', 'schedule_claims name host-b']);
  });
});

test.each(['', 'many', '1.5', '-1', '1e400', '9007199254740993', 'null'])(
  'a number of users of the last listing that is %j is not compared with, and says what to do',
  async (text) => {
    await redis.client.set(keys.brake('listing'), text);
    await expect(new BrakeRecords(redis.client).listed()).rejects.toThrow(/cybervpn:brake:listing .* DEL/);
  },
);

test.each([
  ['no time of its start', { schedules: '{}', by: 'b', startedAt: 'soon' }],
  ['no name', { schedules: '{}', startedAt: '9999999999999' }],
])('a claim of schedules with %s is replaced', async (_, claim) => {
  await redis.client.hset(keys.scheduleClaim(), claim);
  const claims = new ScheduleClaims(redis.client, 'host-a');
  expect(await claims.claim({ sweep: 'every minute' })).toBeUndefined();
  expect(await claims.current()).toMatchObject({ by: 'host-a', schedules: { sweep: 'every minute' } });
});

test('a schedule whose first sight cannot be read is watched from now on', async () => {
  const { onRead, said } = told();
  const successes = new LastSuccesses(redis.client, onRead);
  await redis.client.hset(keys.schedulesKnownSince(), 'sweep', 'soon', 'old', 'soon');
  expect(await successes.knownSince(['sweep'], now)).toEqual(new Map([['sweep', now]]));
  expect(await successes.knownSince(['sweep'], new Date(now.getTime() + minutes(9)))).toEqual(
    new Map([['sweep', now]]),
  );
  expect(said).toEqual(['schedules_known name sweep', 'schedules_known name old']);
});

test.each(['', 'soon', 'NaN', '1e400'])(
  'times of the workers that are %j are replaced, and no standstill',
  async (odd) => {
    const times = new WorkerTimes(redis.client);
    await redis.client.hset(keys.workerTimes(), 'seen', odd, 'from', odd, 'until', odd);
    expect(await times.lastStandstill()).toBeUndefined();
    const later = new Date(now.getTime() + minutes(30));
    await times.beat(now);
    await times.beat(later);
    expect(await times.lastStandstill()).toEqual({ from: now, until: later });
  },
);

test('records of the Python worker under the same keys are no odd ones', async () => {
  const { onRead, said } = told();
  const { client } = redis;
  const updated = { status: 'online', name: 'n', country: 'DE', updated_at: 1_700_000_000.5 };
  await client.sadd(keys.watchedNodes(), 'n');
  await client.set(keys.nodeHealth('n'), JSON.stringify(updated));
  const nodes = new NodeHealthStore(client, onRead);
  expect(await nodes.all()).toEqual({ nodes: [], unreadable: new Map() });
  await client.zadd(keys.nodeHealthHistory('n'), 1_700_000_000, '{"status": "offline", "timestamp": 1700000000.1}');
  expect(await nodes.history('n', new Date(0), now)).toEqual([]);
  await client.set(keys.serviceHealth('redis'), '{"is_up": true, "consecutive_failures": 0, "last_checked": 1.5}');
  expect(await new ServiceHealthStore(client, onRead).find('redis')).toBeUndefined();
  await client.set(keys.dailyStats('2026-01-01'), '{"date": "2026-01-01", "users": 5}');
  const figures = z.object({ schema: z.literal(1), date: z.string() });
  expect(await new DailyStats(client, figures, onRead).find('2026-01-01')).toBeUndefined();
  expect(said).toEqual([]);
});

test('an intent that cannot be read is replaced by the next one about that user', async () => {
  const disablings = new Disablings(redis.client);
  await redis.client.hset(keys.disablings(), 'anna', '{"half":');
  const intent = { ...disabling, expireAt: new Date(Date.now() + days(1)) };
  expect(await disablings.begin('Anna', intent)).toEqual({ intent, isNew: true });
  expect(await disablings.left()).toEqual(new Map([['anna', intent]]));
});

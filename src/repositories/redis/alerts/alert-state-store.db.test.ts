import { afterAll, beforeEach, expect, test } from 'vitest';
import { days, minutes, seconds } from '../../../lib/duration.ts';
import { testRedis } from '../../../testing/redis.ts';
import { AlertStateStore, type StoredCondition } from './alert-state-store.ts';

const START = new Date('2026-11-20T10:00:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);
const condition = (since: Date): StoredCondition => ({
  id: 'node_offline:a',
  kind: 'node_offline',
  severity: 'critical',
  subject: 'Москва/1 "a"',
  since,
});

const redis = await testRedis();
afterAll(() => redis[Symbol.asyncDispose]());
beforeEach(() => redis.client.flushall());

/** Twenty workers that look at the same moment, each on a connection of its own. */
async function allBegin(at: Date): Promise<{ verdict: string; since: Date }[]> {
  const clients = Array.from({ length: 20 }, () => redis.client.duplicate());
  try {
    return await Promise.all(clients.map((client) => new AlertStateStore(client).begin(condition(at), at)));
  } finally {
    for (const client of clients) client.disconnect();
  }
}
const tellers = (verdicts: readonly { verdict: string }[]): number =>
  verdicts.filter(({ verdict }) => verdict === 'tell').length;

test.each([
  ['a condition that is new', undefined, START],
  ['one that was told, and is on', { told: true }, later(minutes(5))],
  ['one whose telling somebody has just claimed', { told: false }, later(seconds(30))],
  ['one whose telling was claimed and never done', { told: false }, later(seconds(31))],
  ['one that nobody has looked at for a week', { told: true }, later(days(7) + 1)],
])('of twenty who see %s at the same moment as many tell it as must', async (name, before, at) => {
  const store = new AlertStateStore(redis.client);
  if (before) await store.begin(condition(START), START);
  if (before?.told) await store.markTold([condition(START)], START);
  const isForgotten = at > later(days(7));
  const isSilent = before !== undefined && !isForgotten && (before.told || at <= later(seconds(30)));
  const verdicts = await allBegin(at);
  expect(tellers(verdicts), name).toBe(isSilent ? 0 : 1);
  // It began when the first one saw it, unless it was forgotten.
  const since = before && !isForgotten ? START : at;
  expect(verdicts.map((one) => one.since)).toEqual(verdicts.map(() => since));
  const [kept] = await store.find(['node_offline:a'], at);
  expect(kept).toMatchObject({ ...condition(since), told: before?.told === true && !isForgotten });
  expect(await redis.client.pttl('cybervpn:alerts:on')).toBeGreaterThan(days(6));
});

test.each([
  ['ended in between', undefined, []],
  ['ended and began again', later(minutes(1)), [{ since: later(minutes(1)), told: false }]],
  ['is on since then', START, [{ since: START, told: true }]],
])('an alert that %s is marked as told only where it is the same one', async (_, beganAgain, expected) => {
  const store = new AlertStateStore(redis.client);
  const first = condition(START);
  await store.begin(first, START);
  if (beganAgain !== START) await store.remove([first.id], later(minutes(1)));
  if (beganAgain) await store.begin(condition(beganAgain), beganAgain);
  await store.markTold([first, { ...first, id: 'node_offline:gone' }], later(minutes(2)));
  expect(await store.all(later(minutes(2)))).toEqual(expected.map((one) => expect.objectContaining(one)));
});

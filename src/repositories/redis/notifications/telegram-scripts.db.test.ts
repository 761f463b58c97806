import fc from 'fast-check';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mostWithin } from '../../../../sandbox/telegram/record.ts';
import { type TestRedis, testRedis } from '../../../testing/redis.ts';
import { GRANTED, PAUSED, RATE_REACHED, type TelegramScripts, withTelegramScripts } from './telegram-scripts.ts';

const SECOND_US = 1_000_000;
const CLOCK = 'clock';

let redis: TestRedis;
let scripts: TelegramScripts;
beforeAll(async () => {
  redis = await testRedis();
  scripts = withTelegramScripts(onFakeClock(redis.url));
});
afterAll(() => redis[Symbol.asyncDispose]());

/** A connection whose scripts read the time from a key, and whose keys do not expire: Redis does that by its own clock. */
function onFakeClock(url: string): Redis {
  const client = new Redis(url);
  const define = client.defineCommand.bind(client);
  return Object.assign(client, {
    defineCommand: (name: string, { lua, ...rest }: Parameters<typeof define>[1]) =>
      define(name, {
        ...rest,
        lua: lua
          .replaceAll("redis.call('TIME')", `redis.call('HMGET', '${CLOCK}', 's', 'us')`)
          .replaceAll(/^\s*redis\.call\('PEXPIRE'.*$/gm, ''),
      }),
  });
}

/** `toldUs`: what passes between the answer and our telling Redis of it. */
type Journey = { asksAtUs: number; travelUs: number; answerUs: number; toldUs: number };

const turns = (limit: number, asking: number, ...rest: (string | number)[]): Promise<number[]> =>
  scripts.telegramTurns('sent', 'pause', 'held', 'answer', limit, SECOND_US, 2 * SECOND_US, asking, ...rest);

/** When each message arrives that goes out as soon as it is let. The answer to the last is not the last thing that happens. */
async function arrivals(limit: number, journeys: readonly Journey[]): Promise<number[]> {
  await redis.client.flushall();
  const came: number[] = [];
  const events = journeys.map((journey, id) => ({ at: journey.asksAtUs, id, isAnswer: false }));
  for (;;) {
    events.sort((a, b) => a.at - b.at);
    const event = events.shift();
    if (!event) return came.toSorted((a, b) => a - b);
    const { at, id, isAnswer } = event;
    await redis.client.hset(CLOCK, { s: Math.floor(at / SECOND_US), us: at % SECOND_US });
    if (isAnswer) {
      await turns(limit, 0, `${id}`, journeys[id]!.toldUs);
      continue;
    }
    const [code, wait] = await turns(limit, 1, `${id}`);
    if (code !== GRANTED) {
      expect(wait).toBeGreaterThan(0);
      events.push({ at: at + Math.ceil(wait!), id, isAnswer: false });
      continue;
    }
    const { answerUs, toldUs, travelUs } = journeys[id]!;
    came.push(at + travelUs);
    events.push({ at: at + travelUs + answerUs + toldUs, id, isAnswer: true });
  }
}

/** Most are quick, some are very late: a process that was kept from its core. */
const lateness = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: SECOND_US }) },
);

const journeys = fc.array(
  fc.record({
    asksAtUs: fc.integer({ min: 0, max: 3 * SECOND_US }),
    travelUs: lateness,
    answerUs: fc.oneof(lateness, fc.integer({ min: 0, max: 20 * SECOND_US })),
    toldUs: lateness,
  }),
  { minLength: 1, maxLength: 40 },
);

test('no second of Telegram has more messages than the limit, however late they and their answers are', async () => {
  const limits = fc.integer({ min: 1, max: 8 });
  const check = fc.asyncProperty(limits, journeys, async (limit, all) => {
    const came = await arrivals(limit, all);
    expect(came).toHaveLength(all.length);
    expect(mostWithin(came, SECOND_US)).toBeLessThanOrEqual(limit);
  });
  await fc.assert(check, { numRuns: 60 });
});

test('those who ask together get what is free, in their order, and the others each the time of a slot of their own', async () => {
  await redis.client.flushall();
  await redis.client.hset(CLOCK, { s: 1_000, us: 0 });
  expect(await turns(2, 1, 'a')).toEqual([GRANTED, 0]);
  await redis.client.hset(CLOCK, { s: 1_000, us: 300 });
  // `a` was answered 100 microseconds ago. One slot is free; the first to come free is that of `a`, then that of `b`.
  expect(await turns(2, 3, 'b', 'c', 'd', 'a', 100)).toEqual(
    [
      [GRANTED, 0],
      [RATE_REACHED, SECOND_US - 100],
      [RATE_REACHED, SECOND_US],
    ].flat(),
  );
});

test('in a pause nobody who asks goes out, and answers count', async () => {
  await redis.client.flushall();
  await redis.client.hset(CLOCK, { s: 1_000, us: 0 });
  await turns(2, 1, 'a');
  await redis.client.set('pause', '1', 'PX', 60_000);
  expect(await turns(2, 2, 'b', 'c', 'a', 0)).toEqual([PAUSED, expect.any(Number), PAUSED, expect.any(Number)]);
  expect(Number(await redis.client.zscore('held', 'a'))).toBe(1_001 * SECOND_US);
});

test('the time of an answer is known as the mean of the latest, without those whose slot is gone', async () => {
  await redis.client.flushall();
  const answered = async (at: number, id: string, agoUs: number): Promise<number> => {
    await redis.client.hset(CLOCK, { s: 1_000, us: at });
    await turns(500, 0, id, agoUs);
    return Number(await redis.client.get('answer'));
  };
  await redis.client.hset(CLOCK, { s: 1_000, us: 0 });
  await turns(500, 3, 'a', 'b', 'c');
  expect(await answered(80_000, 'a', 0)).toBe(80_000);
  expect(await answered(99_000, 'b', 15_000)).toBe(80_000 + 4_000 / 200);
  expect(await answered(99_000, 'unknown', 0)).toBe(80_020);
  expect(await answered(480_020, 'c', 0)).toBe(82_020);
});

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { seconds } from '../../lib/duration.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { heardLog } from '../../testing/heard-log.ts';
import { STAFF, STAFF_ENV, staffBot } from '../../testing/staff-bot.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import type { PollerTimes } from './poller.ts';

/** A worker that lost its lease is replaced within a second. */
const QUICK: PollerTimes = { leaseMs: seconds(1), renewMs: 100, pause: { firstMs: 20, atMostMs: seconds(1) } };

let world: TestApp;
let staff: ReturnType<typeof staffBot>;
beforeAll(async () => {
  world = await testApp({ ...STAFF_ENV });
  staff = staffBot(world);
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(() => world.redis.client.del(keys.staffPoller()));

const write = (text: string) => staff.bot.write({ id: STAFF.view, language: 'en' }, text);
const answers = () => staff.messagesTo('view').map(({ visible }) => visible.split('\n')[0]);
const holder = () => world.redis.client.get(keys.staffPoller());

test('of several workers one polls; when it stops another goes on where it was', async () => {
  const first = staff.listen('worker-1', { times: QUICK });
  await until('the first one polls', () => staff.bot.polling().waiting);
  await using second = staff.listen('worker-2', { times: QUICK });
  write('/help');
  await until('it is answered', () => answers().length === 1);
  expect(await holder()).toBe('worker-1');
  await first[Symbol.asyncDispose]();
  write('/nodes');
  await until('the second one answers', () => answers().length === 2);
  expect(await holder()).toBe('worker-2');
  expect(answers()).toEqual(['What this bot does', 'No nodes are known.']);
  expect(staff.bot.polling().conflicts).toBe(0);
  expect(second).toBeDefined();
});

test('a lease that is lost while polling ends the poll, and an update that comes then is left to the other', async () => {
  const before = answers().length;
  await using _ = staff.listen('worker-1', { times: { ...QUICK, leaseMs: seconds(20) } });
  await until('it polls', () => staff.bot.polling().waiting);
  // Another one has taken over, because this one stood still for longer than its lease.
  await world.redis.client.set(keys.staffPoller(), 'worker-2', 'PX', seconds(20));
  write('/help');
  await until('it polls no more', () => !staff.bot.polling().waiting);
  expect(answers()).toHaveLength(before);
  expect(staff.bot.polling().pending).toBe(1);
  await world.redis.client.del(keys.staffPoller());
  await until('who has the lease answers it, once', () => answers().length === before + 1);
});

test('what was taken is not handled again, however often Telegram sends it', async () => {
  {
    // The last update of a listener that ends is confirmed by the next one.
    await using _ = staff.listen();
    await until('nothing is left of what came before', () => staff.bot.polling().pending === 0);
  }
  const before = answers().length;
  const seen: number[] = [];
  // Its offset is lost with every poll, so that all comes again.
  const listener = world.app.parts.foundation.staffBot!.listener;
  let polls = 0;
  const forgetful = {
    bot: {
      ...pollsOnly(),
      updates: async (_offset: number, signal: AbortSignal) => {
        polls += 1;
        const updates = await listener.updates(0, signal);
        seen.push(...updates.map(({ update_id }) => update_id));
        return updates;
      },
    },
  };
  write('/help');
  {
    await using _ = staff.listen('worker-1', { change: forgetful });
    await until('it came three times', () => polls > 3);
  }
  expect(new Set(seen).size).toBe(1);
  expect(answers()).toHaveLength(before + 1);
  await using _ = staff.listen();
  await until('it is confirmed', () => staff.bot.polling().pending === 0);
});

test('an update that nobody can handle does not stop the others', async () => {
  const before = answers().length;
  staff.bot.write({ id: STAFF.view }, '/help');
  world.telegram.faults({ kind: 'error', status: 500, path: 'sendMessage', count: 1 });
  staff.bot.write({ id: STAFF.view }, '/nodes');
  await using _ = staff.listen();
  await until('the second one is answered', () => answers().length === before + 1);
  expect(answers().at(-1)).toBe('No nodes are known.');
});

test('while Telegram is down it is asked ever more rarely, and the log says so once', async () => {
  const warned: string[] = [];
  const log = heardLog(world.app.log, (_fields, message) => void warned.push(message));
  const asked: number[] = [];
  const bot = { ...pollsOnly(), updates: failing(asked) };
  await using _ = staff.listen('worker-1', { change: { bot, log } });
  await until('it was asked seven times', () => asked.length >= 7);
  const pauses = asked.slice(1).map((at, i) => at - asked[i]!);
  // Each pause is twice the one before: 20, 40, 80 … ms at least.
  for (const [i, ms] of pauses.slice(0, 6).entries()) expect(ms).toBeGreaterThanOrEqual(20 * 2 ** i - 5);
  expect(warned).toHaveLength(1);
});

test('when Telegram is back what was written meanwhile is answered, and the breaker of polls is none of the shop', async () => {
  const before = answers().length;
  world.telegram.faults({ kind: 'error', status: 502, path: 'getUpdates' });
  await using _ = staff.listen();
  const failures = async () =>
    (await world.app.metrics.registry.getSingleMetricAsString('cybervpn_staff_bot_polls_total')).match(
      /outcome="failed"[^}]*} (\d+)/,
    )?.[1];
  await until('polls fail', async () => Number(await failures()) > 0);
  write('/help');
  expect(world.app.parts.foundation.telegram.breakerState).toBe('closed');
  world.telegram.faults();
  await until('it is answered', () => answers().length === before + 1);
});

/** The bot without its polls. */
function pollsOnly() {
  const { listener, sender } = world.app.parts.foundation.staffBot!;
  return {
    answerTap: listener.answerTap.bind(listener),
    edit: listener.edit.bind(listener),
    setCommands: async () => undefined,
    send: async ({ chatId, id, text }: { chatId: number; id: string; text: string }, signal: AbortSignal) =>
      void (await sender.send({ id, telegramId: chatId, text, parseMode: 'HTML', lane: 'urgent' }, signal)),
  };
}

const failing = (asked: number[]) => async (): Promise<never> => {
  asked.push(performance.now());
  throw new Error('no answer');
};

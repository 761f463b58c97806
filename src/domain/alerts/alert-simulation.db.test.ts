import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PanelNode } from '../../clients/remnawave/types.ts';
import { hours, seconds } from '../../lib/duration.ts';
import type { Payment } from '../../repositories/payment-row.ts';
import { ServiceHealthStore } from '../../repositories/redis/monitoring/service-health-store.ts';
import { chances } from '../../testing/chances.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { ServiceWatch } from '../monitoring/service-watch.ts';

const START = new Date('2026-11-20T10:00:00Z');
const STEP_MS = seconds(40);
const LASTS_MS = hours(2);
const CHAT_SLOT = 'cybervpn:{telegram}:slot:900000001';

/** One line that an admin got. `from` and `to` are minutes as the text has them. */
type Told = { at: Date; subject: string; what: 'begin' | 'resolved' | 'was'; from?: string; to?: string };
/** What the worker knew: since when, when it found out, and when it knew that it was over. */
type Known = { subject: string; since: Date; at: Date; endedAt?: Date; overAt?: Date };

const minuteOf = (at: Date): string => at.toISOString().slice(0, 16).replace('T', ' ');

describe('two hours of nodes, services and payments going up and down', () => {
  let world: TestApp;
  beforeAll(async () => {
    world = await testApp();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test.each([1, 20_261_129, 77])(
    'seed %i: every alert is true or says when it was, in time, none missing, none twice',
    async (seed) => {
      const chance = chances(seed);
      const { app, database, redis, telegram } = world;
      const { events, nodeWatch } = app.services;
      await database.pool.query('truncate notification_queue cascade');
      await redis.client.flushall();
      telegram.faults();
      telegram.reset();

      let now = START;
      const nodes = Array.from({ length: 5 }, (_, i) => ({
        uuid: randomUUID(),
        name: `Node${i}`,
        isUp: true,
        changedAt: START,
      }));
      const services = new Map([
        ['remnawave', { isUp: true, title: 'Remnawave' }],
        ['cryptobot', { isUp: true, title: 'CryptoBot' }],
      ]);
      const probe = (name: string) => async () => {
        if (services.get(name)?.isUp === false) throw new Error('503');
      };
      const watch = () =>
        new ServiceWatch({
          ...{ events, log: app.log, states: app.parts.alertStates, store: new ServiceHealthStore(app.redis) },
          probes: {
            remnawave: probe('remnawave'),
            cryptobot: probe('cryptobot'),
            postgresql: probe('postgresql'),
            redis: probe('redis'),
            telegram: probe('telegram'),
          },
        });
      // Two processes look in turn, as with two workers.
      const watches = [watch(), watch()];
      const payments: { id: string; at: Date }[] = [];
      const known: Known[] = [];
      const told: Told[] = [];
      /** Whether Telegram answered in each step. */
      const answered: { at: Date; ok: boolean }[] = [];
      const flushAt = Math.floor(chance() * 140) + 20;

      const seen = new Set<string>();
      /** The events that were published since the last look, before they may be lost with Redis. */
      const collect = async (): Promise<void> => {
        for (const { data, type } of (await events.latest(60)).reverse()) {
          const key = JSON.stringify([type, data]);
          if (seen.has(key) || !type.startsWith('alert.')) continue;
          seen.add(key);
          const { subject, since, id, timestamp } = data as Record<string, string>;
          const name = `${id!.startsWith('node_unstable') ? 'unstable ' : ''}${services.get(subject!)?.title ?? subject}`;
          if (type === 'alert.started')
            known.push({ subject: name, since: new Date(since!), at: new Date(timestamp!) });
          const last = known.findLast((one) => one.subject === name);
          if (type === 'alert.ended' && last) last.overAt = new Date(timestamp!);
        }
      };

      const drain = async (): Promise<void> => {
        const waiting = await app.services.notifications.countWaiting(new Date());
        if (waiting.due === 0) return;
        telegram.reset();
        // The limit of one message a second for a chat is of the real clock: here it passes as quickly as the rest.
        const passing = setInterval(() => void redis.client.del(CHAT_SLOT), 5);
        await world.run('process_notification_queue', {}, { now }).finally(() => clearInterval(passing));
        for (const { visible } of telegram.messages()) told.push(...read(visible, now));
      };

      for (let step = 0; step * STEP_MS < LASTS_MS; step += 1) {
        for (const node of nodes) {
          if (chance() > (node.isUp ? 0.015 : 0.08)) continue;
          Object.assign(node, { isUp: !node.isUp, changedAt: now });
        }
        for (const service of services.values())
          if (chance() < (service.isUp ? 0.02 : 0.15)) service.isUp = !service.isUp;
        if (chance() < 0.05) payments.push({ id: randomUUID(), at: now });
        if (step === flushAt) await redis.client.flushall();

        await nodeWatch.observe({ items: nodes.map(asPanelNode), holes: [] }, now);
        if (step % 2 === 0) await watches[(step / 2) % 2]!.check(now, new AbortController().signal);
        // Found again every five minutes or so, as `verify_pending_payments` does.
        for (const { at, id } of payments)
          if ((now.getTime() - at.getTime()) % (8 * STEP_MS) === 0)
            await app.services.entitlements.alarms.unresolved(payment(id), { candidates: [], gone: [] });
        await collect();

        // Away for 16 of every 47 minutes.
        const isAway = step % 70 >= 40 && step % 70 < 64;
        answered.push({ at: now, ok: !isAway });
        if (isAway && step % 70 === 40) {
          telegram.faults({ kind: 'error', status: 502 });
          await world
            .run('process_notification_queue', {}, { now, signal: AbortSignal.timeout(150) })
            .catch(() => undefined);
        }
        if (!isAway) {
          telegram.faults();
          await drain();
        }
        now = new Date(now.getTime() + STEP_MS);
        await database.pool.query(
          `update notification_queue set scheduled_at = scheduled_at - $1::interval, created_at = created_at - $1::interval,
                                       sent_at = sent_at - $1::interval`,
          [`${STEP_MS} milliseconds`],
        );
      }

      const problems: string[] = [];
      const say = (ok: boolean, what: string, about: object): void =>
        void (ok || problems.push(`${what}: ${JSON.stringify(about)}`));
      const answersSince = (at: Date): Date | undefined => {
        // Known while Telegram is away: the time begins when it is back.
        return answered.find((one) => one.at >= at && one.ok)?.at;
      };
      for (const one of known) {
        const about = told.filter(({ from, subject }) => subject === one.subject && from === minuteOf(one.since));
        const first = about.find(({ what }) => what !== 'resolved');
        const [begins, resolved, was] = (['begin', 'resolved', 'was'] as const).map(
          (what) => about.filter((t) => t.what === what).length,
        );
        const due = answersSince(one.at);
        const isReplaced =
          one.overAt !== undefined &&
          known.some((other) => other.subject === `unstable ${one.subject}` && other.at <= one.overAt!);
        if (!first) say(due === undefined || isReplaced, 'missing', one);
        else say(due === undefined || first.at.getTime() - due.getTime() <= seconds(60), 'late', { one, first });
        say(begins! + was! <= 1, 'twice', { one, about });
        say(resolved! <= begins!, 'resolved without its beginning', { one, about });
        const isOver = one.overAt !== undefined && answersSince(one.overAt) !== undefined;
        if (isOver && begins === 1 && !isReplaced) say(resolved === 1, 'its end is missing', { one, about });
        for (const { at, what } of about)
          say(what !== 'begin' || one.overAt === undefined || at <= one.overAt, 'false when sent', { one, at });
      }
      for (const line of told.filter(({ subject }) => !subject.startsWith('payment ')))
        say(
          known.some(({ since, subject }) => subject === line.subject && minuteOf(since) === line.from),
          'about nothing',
          line,
        );
      for (const { at, id } of payments) {
        const about = told.filter(({ subject }) => subject === `payment ${id}`);
        const due = answersSince(at);
        say(about.length === (due ? 1 : 0), 'a payment is not told once', { id, at, about });
        if (about[0] && due)
          say(about[0].at.getTime() - due.getTime() <= seconds(60), 'a payment is late', { id, at, about });
      }
      expect(problems).toEqual([]);
      // The seed has brought what it is there for.
      expect(told.filter(({ what }) => what === 'was').length).toBeGreaterThan(0);
      expect(told.filter(({ what }) => what === 'resolved').length).toBeGreaterThan(2);
    },
    120_000,
  );
});

const asPanelNode = (node: { uuid: string; name: string; isUp: boolean; changedAt: Date }): PanelNode =>
  ({
    ...{ uuid: node.uuid, name: node.name, countryCode: 'DE' },
    ...{ isConnected: node.isUp, isConnecting: false, isDisabled: false },
    lastStatusChange: node.changedAt,
  }) as PanelNode;

const payment = (id: string): Payment =>
  ({
    ...{ id, invoiceId: '1', customerId: randomUUID(), planName: undefined },
    ...{ purchase: { kind: 'period', days: 30 }, mark: {} },
    price: { amount: '5', currency: 'USD' },
  }) as Payment;

const MINUTE = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d`;

/** The lines of a message, each with what it is about and the time that it bears. */
function read(text: string, at: Date): Told[] {
  const common = new RegExp(`🕒 (${MINUTE})`).exec(text)?.[1];
  const blocks = text.startsWith('🔁') ? text.split('\n').filter((line) => line.startsWith('• ')) : [text];
  return blocks.flatMap((block): Told[] => {
    const from = new RegExp(`🕒 (${MINUTE})`).exec(block)?.[1] ?? common;
    const paid = /Payment: ([0-9a-f-]{36})/.exec(block)?.[1];
    if (paid) return [{ at, subject: `payment ${paid}`, what: 'begin' }];
    const past = new RegExp(`(?:Node )?(\\S+) was (down|unstable):? (${MINUTE}) to`).exec(block);
    if (past) {
      const subject = `${past[2] === 'unstable' ? 'unstable ' : ''}${past[1]}`;
      return [{ at, subject, what: /was (down|unstable): /.test(block) ? 'resolved' : 'was', from: past[3]! }];
    }
    const began = /(?:Node )?(\S+) (is offline|is unstable|does not answer)/.exec(block);
    if (!began || from === undefined) return [];
    return [{ at, subject: `${began[2] === 'is unstable' ? 'unstable ' : ''}${began[1]}`, what: 'begin', from }];
  });
}

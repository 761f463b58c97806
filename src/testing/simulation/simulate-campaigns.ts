import { vi } from 'vitest';
import { UNCLEAR_AGAIN_MS } from '../../domain/notifications/policy.ts';
import type { CampaignTrigger } from '../../lib/campaign-rules.ts';
import { days, hours, seconds } from '../../lib/duration.ts';
import { roughly } from '../../lib/money.ts';
import { dayOf, shiftDay } from '../../lib/utc-days.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { startCampaign } from '../campaign-world.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../subscription-world.ts';
import { SimulatedCustomers } from './customers.ts';
import { earnedInTruth, type Noted } from './earnings-truth.ts';

export type SimulationScale = { customers: number; days: number; everyHours: number; seed: number };

/** What went wrong, in words, by kind; and how much there was of everything. */
export type Simulated = {
  violations: { twice: string[]; overCap: string[]; afterRenewal: string[]; heldOut: string[]; earnings: string[] };
  counts: Record<
    'messages' | 'lines' | 'renewals' | 'heldOut' | 'dropped' | 'capped' | 'weeks' | 'runs' | 'waited',
    number
  >;
  byCampaign: Record<string, number>;
  mostInWeek: number;
};

const CAP = 3;
/** Of so many runs the panel is too slow for one when its messages are to go out, and answers half a minute later. */
const SLOW_EVERY = 7;
const SLOW_MS = seconds(10);
/** A Monday. */
const BEGIN = new Date('2026-01-05T00:00:00Z');

const RULES: readonly { trigger: CampaignTrigger; at: readonly number[]; holdoutPercent: number }[] = [
  { trigger: 'before_end', at: [168, 72, 24], holdoutPercent: 20 },
  { trigger: 'after_end', at: [24, 168, 336], holdoutPercent: 10 },
  { trigger: 'not_connected', at: [12, 72], holdoutPercent: 10 },
  { trigger: 'traffic', at: [80, 95, 100], holdoutPercent: 10 },
  { trigger: 'silent', at: [7, 14], holdoutPercent: 30 },
];

type Line = { trigger: CampaignTrigger; step: string; username: string; ends: string };
type Queued = { campaign: string; chat: number; lines: readonly Line[] };

/**
 * Lets customers live beside the worker, with all rules on: real PostgreSQL and Redis, a panel and a Telegram over HTTP. Redis is emptied
 * between runs, and the panel is slow at times. What reaches Telegram is held against what the simulation knows on its own.
 */
export async function simulateCampaigns(scale: SimulationScale, onDay: (day: number) => void): Promise<Simulated> {
  const environment = { CAMPAIGN_WEEKLY_CAP: String(CAP), SAFETY_MAX_SHARE: '1' };
  await using world = await subscriptionWorld(3, environment, BEGIN, { actsByItself: false });
  await installOwnSchema(world.app.app.parts.foundation.database);
  const customers = new SimulatedCustomers(world, scale.customers, scale.seed);
  await customers.register();
  const campaigns = new Map<string, CampaignTrigger>();
  for (const { at, holdoutPercent, trigger } of RULES) {
    const id = await startCampaign(world, {
      ...{ trigger, at, holdoutPercent },
      id: `00000000-0000-4000-9000-00000000000${RULES.findIndex((rule) => rule.trigger === trigger)}`,
      text: `${trigger}|{username}|{expires_at}`,
    });
    campaigns.set(id, trigger);
  }
  using judge = new Judge(world);
  const result = judge.simulated;
  const steps = (scale.days * 24) / scale.everyHours;
  for (let step = 1; step <= steps; step += 1) {
    world.panel.advance(hours(scale.everyHours));
    await customers.live(hours(scale.everyHours));
    const counts = await world.run('run_campaigns');
    result.counts.runs += 1;
    result.counts.capped += Number(counts.capped);
    const queued = await judge.queued();
    const renewed = await customers.renewSome(new Set(queued.map(({ chat }) => chat)));
    const delivered = await judge.delivered(queued, renewed, step % SLOW_EVERY === 0);
    for (const { chat } of delivered) customers.wroteTo(chat, world.panel.now().getTime());
    const now = world.panel.now();
    const isMidnight = now.getTime() % days(1) === 0;
    if (isMidnight && now.getUTCDay() === 1) await judge.week(now, campaigns, customers);
    if (isMidnight) onDay((now.getTime() - BEGIN.getTime()) / days(1));
  }
  result.counts.renewals = customers.payments.length;
  return result;
}

/** Sees what the worker queues and what Telegram gets, and remembers it. */
class Judge implements Disposable {
  readonly #world: SubscriptionWorld;
  readonly #clock = new ZonedClock('UTC');
  readonly #told = new Set<string>();
  readonly #times = new Map<number, number[]>();
  readonly #noted = new Map<string, Noted[]>();
  readonly #heldOut = new Set<string>();
  /** How far the worker's monotonic clock is ahead of the real one. */
  #aheadMs = 0;
  readonly #clockAhead;
  readonly simulated: Simulated = {
    violations: { twice: [], overCap: [], afterRenewal: [], heldOut: [], earnings: [] },
    counts: { messages: 0, lines: 0, renewals: 0, heldOut: 0, dropped: 0, capped: 0, weeks: 0, runs: 0, waited: 0 },
    byCampaign: {},
    mostInWeek: 0,
  };

  constructor(world: SubscriptionWorld) {
    this.#world = world;
    const real = performance.now.bind(performance);
    this.#clockAhead = vi.spyOn(performance, 'now').mockImplementation(() => real() + this.#aheadMs);
  }

  [Symbol.dispose](): void {
    this.#clockAhead.mockRestore();
  }

  /** What waits in the queue, by what its text says, and who was left out by this run. */
  async queued(): Promise<Queued[]> {
    const { pool } = this.#world.app.database;
    const now = this.#world.panel.now();
    const { rows } = await pool.query<{ telegram_id: string; message: string; notification_type: string }>(
      `select telegram_id, message, notification_type from notification_queue where status = 'pending'`,
    );
    const queued = rows.map((row): Queued => {
      const [, campaign = '', step = ''] = row.notification_type.split(':');
      const lines = row.message.split('\n').map((text): Line => {
        const [trigger, username, ends] = text.split('|') as [CampaignTrigger, string, string];
        return { trigger, step, username, ends };
      });
      return { campaign, chat: Number(row.telegram_id), lines };
    });
    for (const { campaign, chat, lines } of queued)
      for (const line of lines)
        this.#note(campaign, {
          chat,
          username: line.username,
          period: this.#period(line),
          part: 'told',
          at: now.getTime(),
        });
    const { rows: left } = await pool.query<{ campaign: string; chat: string; username: string; period: string }>(
      `select campaign, chat, username, period from task_worker.campaign_sends where part = 'held_out' and at = $1`,
      [now],
    );
    for (const { campaign, chat, period, username } of left) {
      this.#heldOut.add(`${campaign} ${chat}`);
      this.#note(campaign, {
        chat: Number(chat),
        username,
        period: `left ${period}`,
        part: 'held_out',
        at: now.getTime(),
      });
    }
    this.simulated.counts.heldOut += left.length;
    return queued;
  }

  /** Has the queue delivered, in an emptied Redis, and judges what Telegram got. */
  async delivered(
    queued: readonly Queued[],
    renewed: ReadonlySet<string>,
    isPanelSlow: boolean,
  ): Promise<readonly Queued[]> {
    const { app, panel } = this.#world;
    const now = panel.now().getTime();
    if (isPanelSlow) panel.faults({ kind: 'latency', ms: SLOW_MS });
    for (let tries = 0; tries < 20; tries += 1) {
      await app.redis.client.flushall();
      // What waited for its chat's turn, or for the panel, is due now: a simulated day has no real second.
      const { rowCount } = await app.database.pool.query(
        `update notification_queue set scheduled_at = now() where status = 'pending'`,
      );
      if (rowCount === 0) break;
      if (tries > 0 && isPanelSlow) this.simulated.counts.waited += rowCount ?? 0;
      await app.run('process_notification_queue', {}, { now: panel.now() });
      panel.faults();
      this.#aheadMs += UNCLEAR_AGAIN_MS;
    }
    const texts = new Map<string, number>();
    for (const { chat_id: chatId, visible } of app.telegram.messages())
      if (chatId < 900_000_000) texts.set(`${chatId} ${visible}`, (texts.get(`${chatId} ${visible}`) ?? 0) + 1);
    app.telegram.reset();
    const timesOf = ({ chat, lines }: Queued): number => texts.get(`${chat} ${textOf(lines)}`) ?? 0;
    const arrived = queued.filter((message) => timesOf(message) > 0);
    for (const message of queued) if (timesOf(message) === 0) this.#dropped(message, renewed);
    for (const message of arrived) this.#arrived(message, now, renewed, timesOf(message));
    return arrived;
  }

  /** Holds the weekly report of the week that has just ended against what the simulation knows. */
  async week(
    now: Date,
    campaigns: ReadonlyMap<string, CampaignTrigger>,
    { payments }: SimulatedCustomers,
  ): Promise<void> {
    const sunday = shiftDay(dayOf(now), -1);
    const { week } = await this.#world.app.app.services.reports.readWeek(sunday, now);
    const span = { from: now.getTime() - days(14), to: now.getTime() - days(7) };
    this.simulated.counts.weeks += 1;
    for (const [id, trigger] of campaigns) {
      const truth = earnedInTruth(this.#noted.get(id) ?? [], payments, span);
      const told = week.campaigns?.find((one) => one.id === id);
      const cents = (income: readonly { amount: string }[] | undefined) =>
        Math.round(roughly(income?.[0]?.amount ?? '0') * 100);
      const shown = {
        told: [told?.groups.told.customers ?? 0, told?.groups.told.renewed ?? 0, cents(told?.groups.told.income)],
        held: [
          told?.groups.heldOut.customers ?? 0,
          told?.groups.heldOut.renewed ?? 0,
          cents(told?.groups.heldOut.income),
        ],
        renewals: told?.earned?.renewals,
      };
      const known = {
        told: [truth.told.customers, truth.told.renewed, truth.told.cents],
        held: [truth.heldOut.customers, truth.heldOut.renewed, truth.heldOut.cents],
        renewals: truth.renewals,
      };
      const isMoneyRight = Math.abs((truth.cents ?? 0) - cents(told?.earned?.income)) <= 0.5;
      if (JSON.stringify(shown) !== JSON.stringify(known) || !isMoneyRight)
        this.simulated.violations.earnings.push(
          `${sunday} ${trigger}: ${JSON.stringify(shown)} is ${JSON.stringify(known)}`,
        );
    }
  }

  #arrived({ campaign, chat, lines }: Queued, now: number, renewed: ReadonlySet<string>, times: number): void {
    const { counts, violations } = this.simulated;
    counts.messages += 1;
    counts.lines += lines.length;
    this.simulated.byCampaign[lines[0]!.trigger] = (this.simulated.byCampaign[lines[0]!.trigger] ?? 0) + 1;
    for (const line of lines) {
      const key = `${line.trigger} ${line.step} ${line.username} ${this.#period(line)}`;
      if (this.#told.has(key) || times > 1) violations.twice.push(key);
      this.#told.add(key);
      const user = this.#world.panel.user(line.username)!;
      const ends = this.#clock.minute(new Date(user.expireAt));
      if (renewed.has(line.username) || !line.ends.startsWith(ends))
        violations.afterRenewal.push(`${key}, ends ${ends}`);
    }
    const week = [...(this.#times.get(chat) ?? []).filter((at) => at > now - days(7)), now];
    this.#times.set(chat, week);
    this.simulated.mostInWeek = Math.max(this.simulated.mostInWeek, week.length);
    if (week.length > CAP) violations.overCap.push(`${chat}: ${week.length} in seven days`);
    if (this.#heldOut.has(`${campaign} ${chat}`)) violations.heldOut.push(`${campaign} ${chat}`);
  }

  /** Of a message for several subscriptions, those that have not renewed are told anew: that they were told is taken back. */
  #dropped({ campaign, lines }: Queued, renewed: ReadonlySet<string>): void {
    const { counts, violations } = this.simulated;
    counts.dropped += 1;
    if (!lines.some(({ username }) => renewed.has(username)))
      violations.twice.push(`not delivered, and nobody renewed: ${textOf(lines)}`);
    const now = this.#world.panel.now().getTime();
    const back = new Set(lines.map(({ username }) => username).filter((username) => !renewed.has(username)));
    const noted = this.#noted.get(campaign) ?? [];
    this.#noted.set(
      campaign,
      noted.filter(({ at, username }) => at !== now || !back.has(username)),
    );
  }

  #note(campaign: string, noted: Noted): void {
    const all = this.#noted.get(campaign);
    if (all) all.push(noted);
    else this.#noted.set(campaign, [noted]);
  }

  /** What a step is told once for, by what the panel shows now and the text says. */
  #period({ ends, trigger, username }: Line): string {
    const user = this.#world.panel.user(username)!;
    switch (trigger) {
      case 'not_connected':
        return `new ${user.createdAt}`;
      case 'traffic':
        return `reset ${user.lastTrafficResetAt ?? user.createdAt}`;
      case 'silent':
        return `since ${user.onlineAt}`;
      default:
        return ends;
    }
  }
}

const textOf = (lines: readonly Line[]): string =>
  lines.map(({ ends, trigger, username }) => `${trigger}|${username}|${ends}`).join('\n');

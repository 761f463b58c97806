import type { Panel } from '../../clients/remnawave/panel.ts';
import { chunks } from '../../lib/chunks.ts';
import { hours } from '../../lib/duration.ts';
import { deliveriesIn } from '../../lib/figure-definitions.ts';
import { daysUpTo, type Interval, shiftDay } from '../../lib/utc-days.ts';
import type { DayFigures, NotificationFigures, PaymentTotals, UserFigures } from '../../messages/figures.ts';
import type { Log } from '../../observability/log.ts';
import type { PaymentStats } from '../../repositories/payment-stats.ts';
import type { DailyStats } from '../../repositories/redis/figures/daily-stats.ts';
import type { OutcomeStore } from '../../repositories/redis/monitoring/outcome-store.ts';
import type { DeliveryCounts } from '../../repositories/redis/notifications/delivery-counts.ts';
import type { Statistics } from '../../repositories/statistics.ts';
import { financialDay } from '../payments/financial-day.ts';
import { bandwidthFigures, type NodeSources, nodesSince, uptimeFigures } from './nodes.ts';
import { UserTally } from './user-tally.ts';

export type DayBookOptions = NodeSources & {
  stats: DailyStats<DayFigures>;
  panel: Pick<Panel, 'users'>;
  paymentStats: PaymentStats;
  statistics: Statistics;
  outcomes: OutcomeStore;
  deliveryCounts: Pick<DeliveryCounts, 'direct'>;
  log: Log;
};

/** Users counted later than this after a day's end are no longer those of the day. */
const AT_END_WITHIN_MS = hours(24);
/** Days that were never worked out, because no worker was there, are made up for this far back. */
const CATCH_UP_DAYS = 6;
const ERRORS_LISTED = 20;
/** As long as the figures of a day are kept. */
const KEPT_DAYS = 90;
/** So many days are read at once in search of the first: a new worker, which has none, asks Redis nine times. */
const LOOKED_AT_ONCE = 10;

/**
 * Computes and keeps the figures of each day. Every source is asked apart: one that fails leaves its part as it was, or null. Counts of
 * users stand, since a later listing is not that day's. Everything else is computed again from records of the past, so a re-run gives the
 * same and includes late records.
 */
export class DayBook {
  readonly #options: DayBookOptions;

  constructor(options: DayBookOptions) {
    this.#options = options;
  }

  /** Those of these days that are kept, by date. */
  many(dates: readonly string[]): Promise<ReadonlyMap<string, DayFigures>> {
    return this.#options.stats.many(dates);
  }

  /**
   * The first day that the worker lived through, of those that are kept: one of which something is known that nobody can find out later.
   * Undefined where there is none: the worker is new, or Redis was emptied.
   */
  async firstDay(now: Date): Promise<string | undefined> {
    // Every opened report asks: where all days are kept, one of the oldest answers.
    for (const some of chunks(daysUpTo(this.#options.calendar.dayOf(now), KEPT_DAYS), LOOKED_AT_ONCE)) {
      const kept = await this.many(some);
      const first = some.find((date) => kept.has(date) && wasLivedThrough(kept.get(date)!));
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** The day before `at`, and those of the week before that nobody has worked out. Oldest first. */
  async due(at: Date): Promise<string[]> {
    const yesterday = this.#options.calendar.dayBefore(at);
    const earlier = Array.from({ length: CATCH_UP_DAYS }, (_, i) => shiftDay(yesterday, i - CATCH_UP_DAYS));
    const kept = await this.many(earlier);
    return [...earlier.filter((day) => !kept.has(day)), yesterday];
  }

  /** Works these days out and keeps them. Throws when Redis does not keep them or the signal fires; nothing else. */
  async refresh(dates: readonly string[], now: Date, signal: AbortSignal): Promise<DayFigures[]> {
    const kept = await this.many(dates);
    const users = await this.#users(
      dates.filter((date) => !kept.get(date)?.users?.at_end),
      now,
      signal,
    );
    const figures: DayFigures[] = [];
    for (const date of dates) {
      signal.throwIfAborted();
      const day = await this.#day(date, kept.get(date), users.get(date) ?? null, now);
      await this.#options.stats.save(day);
      figures.push(day);
    }
    return figures;
  }

  /** Payments of any period, fresh from the table; null where it does not answer. */
  payments(interval: Interval): Promise<PaymentTotals | null> {
    const { paymentStats, statistics } = this.#options;
    return this.#known('payments', null, async () => {
      const [groups, alone] = await Promise.all([
        paymentStats.createdBetween(interval.from, interval.to),
        statistics.completedWithoutBackend(interval),
      ]);
      return { ...financialDay(groups), without_backend: alone };
    });
  }

  async #day(date: string, kept: DayFigures | undefined, users: UserFigures | null, now: Date): Promise<DayFigures> {
    const { calendar, outcomes, statistics } = this.#options;
    const day = { date, ...calendar.interval(date) };
    const nodes = await this.#known('nodes', [], () => nodesSince(this.#options, day.from, now));
    const [bandwidth, payments, operations, notifications, tasks] = await Promise.all([
      this.#known('bandwidth', null, () => bandwidthFigures(this.#options, nodes, day, now)),
      this.payments(day),
      this.#known('admin operations', null, () => statistics.adminOperations(day)),
      this.#known('notifications', null, () => this.#notifications(day)),
      this.#known('tasks', undefined, () => outcomes.ofDay(date)),
    ]);
    const isCovered = bandwidth !== null && bandwidth.coverage >= (kept?.bandwidth?.coverage ?? 0);
    const uptime = uptimeFigures(nodes, day);
    return {
      schema: 1,
      date,
      users: kept?.users?.at_end ? kept.users : (users ?? kept?.users ?? null),
      bandwidth: isCovered ? bandwidth : (kept?.bandwidth ?? null),
      uptime: uptime && uptime.percent !== null ? uptime : (kept?.uptime ?? uptime),
      payments: payments ?? kept?.payments ?? null,
      admin_operations: operations ?? kept?.admin_operations ?? null,
      notifications: notifications ?? kept?.notifications ?? null,
      tasks: tasks ? { ...tasks, errors: tasks.errors.slice(0, ERRORS_LISTED) } : (kept?.tasks ?? null),
    };
  }

  /** Rows of the queue, and what was sent without one. */
  async #notifications(day: { date: string } & Interval): Promise<NotificationFigures> {
    const { deliveryCounts, statistics } = this.#options;
    const [rows, { sent = 0, ...direct }] = await Promise.all([
      statistics.notifications(day),
      deliveryCounts.direct(day.date),
    ]);
    const reasons = new Set([...Object.keys(rows.byReason), ...Object.keys(direct)]);
    const byReason = Object.fromEntries(
      [...reasons].map((reason) => [reason, (rows.byReason[reason] ?? 0) + (direct[reason] ?? 0)]),
    );
    return { ...deliveriesIn(rows.sent + sent, byReason), by_reason: byReason };
  }

  /** One listing for all days. Cut short, it says nothing. */
  async #users(dates: readonly string[], now: Date, signal: AbortSignal): Promise<ReadonlyMap<string, UserFigures>> {
    if (dates.length === 0) return new Map();
    const { calendar } = this.#options;
    return this.#known('users', new Map<string, UserFigures>(), async () => {
      const tally = new UserTally(new Map(dates.map((date) => [date, calendar.interval(date)])));
      const listing = this.#options.panel.users({}, signal);
      for await (const user of listing) tally.add(user);
      tally.addUnreadable(listing.holes.length);
      const isSoon = (date: string): boolean => now.getTime() - calendar.interval(date).to.getTime() < AT_END_WITHIN_MS;
      return new Map(dates.map((date) => [date, tally.of(date, now, isSoon(date))]));
    });
  }

  async #known<T>(what: string, unknown: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (err) {
      this.#options.log.warn({ err }, `figures: ${what} cannot be read and count as unknown`);
      return unknown;
    }
  }
}

/** Payments, rows and the panel's users can be counted of any day; these only by a worker that was there. */
const wasLivedThrough = ({ bandwidth, tasks, uptime, users }: DayFigures): boolean =>
  tasks !== null || bandwidth !== null || (uptime?.percent ?? null) !== null || (users?.at_end ?? null) !== null;

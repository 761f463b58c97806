import {
  deliveriesFail,
  deliveriesIn,
  deliveryEndOf,
  deliverySuccess,
  deliveryTotals,
  failureShare,
  NORMAL,
} from '../../lib/figure-definitions.ts';
import { roughly } from '../../lib/money.ts';
import type { DayFigures, PaymentTotals, Remark, TaskFigures, WeekFigures } from '../../messages/figures.ts';
import { percentOf } from './uptime.ts';

/**
 * Adds up the days that are known; `payments` come fresh from the table, so they are whole even where days are missing. Days before
 * `firstDay`, the first that the worker lived through, are not missing: nobody was there to know them.
 */
export function weekFigures(
  dates: readonly string[],
  kept: ReadonlyMap<string, DayFigures>,
  payments: PaymentTotals | null,
  firstDay: string | undefined,
): WeekFigures {
  const days = dates.map((date) => kept.get(date));
  const isKnown = {
    users: (day) => Boolean(day?.users),
    bandwidth: (day) => Boolean(day?.bandwidth),
    uptime: (day) => (day?.uptime?.percent ?? null) !== null,
    notifications: (day) => Boolean(day?.notifications),
    tasks: (day) => Boolean(day?.tasks),
  } satisfies Record<keyof WeekFigures['missing'], (day: DayFigures | undefined) => boolean>;
  const missing = (part: keyof typeof isKnown): string[] =>
    dates.filter((date, i) => firstDay !== undefined && date >= firstDay && !isKnown[part](days[i]));
  const known = (part: keyof typeof isKnown): number => days.filter(isKnown[part]).length;
  return {
    from: dates[0]!,
    to: dates.at(-1)!,
    missing: {
      users: missing('users'),
      bandwidth: missing('bandwidth'),
      uptime: missing('uptime'),
      notifications: missing('notifications'),
      tasks: missing('tasks'),
    },
    known: {
      users: known('users'),
      bandwidth: known('bandwidth'),
      uptime: known('uptime'),
      notifications: known('notifications'),
      tasks: known('tasks'),
    },
    begins: firstDay === undefined || firstDay > dates.at(-1)! ? 'none' : firstDay > dates[0]! ? firstDay : null,
    users: usersOf(days),
    payments,
    bandwidth: bandwidthOf(days),
    uptime: uptimeOfDays(days),
    notifications: notificationsOf(days),
    tasks: tasksOf(days),
  };
}

type Days = readonly (DayFigures | undefined)[];

const partsOf = <P extends keyof DayFigures>(days: Days, part: P): NonNullable<DayFigures[P]>[] =>
  days.flatMap((day) => (day?.[part] ? [day[part]] : []));

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function usersOf(days: Days): WeekFigures['users'] {
  const users = partsOf(days, 'users');
  if (users.length === 0) return null;
  return {
    new: sum(users.map((day) => day.new)),
    churned: sum(users.map(({ churned }) => churned)),
    active: users.findLast(({ at_end }) => at_end !== null)?.at_end?.active ?? null,
    daily_new: days.map((day) => day?.users?.new ?? null),
  };
}

function bandwidthOf(days: Days): WeekFigures['bandwidth'] {
  const parts = partsOf(days, 'bandwidth');
  if (parts.length === 0) return null;
  const nodes = Map.groupBy(
    parts.flatMap((part) => part.nodes),
    ({ node_uuid }) => node_uuid,
  );
  return {
    bytes: sum(parts.map(({ bytes }) => bytes)),
    daily: days.map((day) => day?.bandwidth?.bytes ?? null),
    nodes: [...nodes.values()]
      .map((group) => ({ name: group.at(-1)!.name, bytes: sum(group.map(({ bytes }) => bytes)) }))
      .sort((a, b) => b.bytes - a.bytes),
  };
}

/** Over these days, the node with most incidents first; null where none is known. */
export function uptimeOfDays(days: Days): WeekFigures['uptime'] {
  const parts = partsOf(days, 'uptime');
  if (parts.length === 0) return null;
  const all = parts.flatMap((part) => part.nodes);
  const nodes = [...Map.groupBy(all, ({ node_uuid }) => node_uuid).values()].map((group) => {
    const down = sum(group.map(({ down_seconds }) => down_seconds));
    return {
      name: group.at(-1)!.name,
      percent: percentOf(sum(group.map(({ online_seconds }) => online_seconds)), down),
      incidents: sum(group.map(({ incidents }) => incidents)),
      down_seconds: down,
    };
  });
  return {
    percent: percentOf(
      sum(all.map(({ online_seconds }) => online_seconds)),
      sum(all.map(({ down_seconds }) => down_seconds)),
    ),
    incidents: sum(nodes.map(({ incidents }) => incidents)),
    nodes: nodes.sort((a, b) => b.incidents - a.incidents || (a.percent ?? 101) - (b.percent ?? 101)),
  };
}

function notificationsOf(days: Days): WeekFigures['notifications'] {
  const parts = partsOf(days, 'notifications');
  if (parts.length === 0) return null;
  const reasons = Map.groupBy(
    parts.flatMap(({ by_reason }) => Object.entries(by_reason)),
    ([reason]) => reason,
  );
  return {
    // Worked out of the reasons: records of a former version have one count of all that did not arrive.
    ...deliveryTotals(parts.map(({ by_reason, sent }) => deliveriesIn(sent, by_reason))),
    by_reason: Object.fromEntries([...reasons].map(([reason, entries]) => [reason, sum(entries.map(([, n]) => n))])),
  };
}

function tasksOf(days: Days): TaskFigures | null {
  const parts = partsOf(days, 'tasks');
  if (parts.length === 0) return null;
  const errors = Map.groupBy(
    parts.flatMap((part) => part.errors),
    ({ code, task }) => `${task} ${code}`,
  );
  const calls = Map.groupBy(
    parts.flatMap((part) => Object.entries(part.calls)),
    ([service]) => service,
  );
  return {
    succeeded: sum(parts.map(({ succeeded }) => succeeded)),
    failed: sum(parts.map(({ failed }) => failed)),
    errors: [...errors.values()]
      .map((group) => ({ ...group[0]!, count: sum(group.map(({ count }) => count)) }))
      .sort((a, b) => b.count - a.count),
    calls: Object.fromEntries(
      [...calls].map(([service, entries]) => {
        const count = sum(entries.map(([, call]) => call.count));
        const ms = sum(entries.map(([, call]) => call.count * call.mean_ms));
        return [service, { count, mean_ms: Math.round(ms / count) }];
      }),
    ),
  };
}

/** Beyond these a week asks for a look, besides what is NORMAL for every figure. */
const WEEK_NORMAL = { uptimePercent: 99, incidents: 2, incomeFallPercent: -20, meanMs: 2000 } as const;
const NODES_NAMED = 5;

/** Where a week is out of the ordinary, against what is normal and against the week before. */
export function findingsOf(week: WeekFigures, before: WeekFigures): Remark[] {
  return [
    ...weakNodes(week),
    ...paymentFindings(week.payments, before.payments),
    ...(week.users && week.users.churned > week.users.new && week.users.churned >= NORMAL.least
      ? [{ kind: 'more_leave' as const, gone: week.users.churned, came: week.users.new }]
      : []),
    ...taskFindings(week.tasks),
    ...deliveryFindings(week.notifications),
    ...missingDays(week),
  ];
}

function weakNodes({ uptime }: WeekFigures): Remark[] {
  return (uptime?.nodes ?? [])
    .flatMap(({ incidents, name, percent }) => {
      const isWeak = percent !== null && (percent < WEEK_NORMAL.uptimePercent || incidents > WEEK_NORMAL.incidents);
      return isWeak ? [{ kind: 'node_weak' as const, name, percent, incidents }] : [];
    })
    .slice(0, NODES_NAMED);
}

function paymentFindings(now: PaymentTotals | null, before: PaymentTotals | null): Remark[] {
  const ended = now ? now.total_count + now.failed_count : 0;
  const share = now?.failure_rate ?? 0;
  const fails: Remark[] =
    ended >= NORMAL.least && share > NORMAL.paymentFailures ? [{ kind: 'payments_fail', share }] : [];
  const fell = Object.entries(before?.by_currency ?? {}).flatMap(([currency, { count, total }]): Remark[] => {
    if (!now || count < NORMAL.least) return [];
    const percent = changePercent(roughly(now.by_currency[currency]?.total ?? '0'), roughly(total));
    return percent !== null && percent < WEEK_NORMAL.incomeFallPercent
      ? [{ kind: 'income_fell', currency, percent }]
      : [];
  });
  return [...fails, ...fell];
}

function taskFindings(tasks: TaskFigures | null): Remark[] {
  if (!tasks) return [];
  const share = tasks.succeeded + tasks.failed >= NORMAL.least ? (failureShare(tasks) ?? 0) : 0;
  const worst = tasks.errors[0]?.task;
  const slow = Object.entries(tasks.calls).filter(
    ([, call]) => call.count >= NORMAL.least && call.mean_ms > WEEK_NORMAL.meanMs,
  );
  return [
    ...(worst !== undefined && share > NORMAL.taskFailures
      ? [{ kind: 'tasks_fail' as const, share, task: worst }]
      : []),
    ...slow.map(([service, call]) => ({ kind: 'slow_service' as const, service, meanMs: call.mean_ms })),
  ];
}

function deliveryFindings(notifications: WeekFigures['notifications']): Remark[] {
  if (!notifications) return [];
  const { by_reason: reasons, failed, sent, unreachable } = notifications;
  const [reason = 'other'] =
    Object.entries(reasons)
      .filter(([one]) => deliveryEndOf(one) === 'failed')
      .sort(([, a], [, b]) => b - a)[0] ?? [];
  const share = unreachable / Math.max(1, sent + failed + unreachable);
  const areMany = sent + failed + unreachable >= NORMAL.least && share > NORMAL.unreachable;
  return [
    ...(deliveriesFail(notifications)
      ? [{ kind: 'undelivered' as const, share: 1 - (deliverySuccess(notifications) ?? 1), reason }]
      : []),
    ...(areMany ? [{ kind: 'unreachable' as const, share }] : []),
  ];
}

function missingDays({ missing }: WeekFigures): Remark[] {
  const days = new Set(Object.values(missing).flat()).size;
  return days > 0 ? [{ kind: 'days_missing', days }] : [];
}

/** By how much a value has changed, in whole percent; null where there was nothing before. */
export function changePercent(now: number, before: number): number | null {
  return before === 0 ? null : Math.round(((now - before) / before) * 100);
}

/** The same over days that are known, so that a missing day is not taken for a fall. */
export function changeOfMeans(
  now: { total: number; days: number },
  before: { total: number; days: number },
): number | null {
  if (now.days === 0 || before.days === 0) return null;
  return changePercent(now.total / now.days, before.total / before.days);
}

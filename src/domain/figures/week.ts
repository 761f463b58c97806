import { roughly } from '../../lib/money.ts';
import type { DayFigures, PaymentTotals, Remark, TaskFigures, WeekFigures } from '../../messages/figures.ts';
import { percentOf } from './uptime.ts';

/** Adds up the days that are known; `payments` come fresh from the table, so they are whole even where days are missing. */
export function weekFigures(
  dates: readonly string[],
  kept: ReadonlyMap<string, DayFigures>,
  payments: PaymentTotals | null,
): WeekFigures {
  const days = dates.map((date) => kept.get(date));
  const missing = (part: keyof WeekFigures['missing']): string[] => dates.filter((_, i) => !days[i]?.[part]);
  return {
    from: dates[0]!,
    to: dates.at(-1)!,
    missing: {
      users: missing('users'),
      bandwidth: missing('bandwidth'),
      uptime: dates.filter((_, i) => (days[i]?.uptime?.percent ?? null) === null),
      notifications: missing('notifications'),
      tasks: missing('tasks'),
    },
    users: usersOf(days),
    payments,
    bandwidth: bandwidthOf(days),
    uptime: uptimeOfDays(days),
    notifications: notificationsOf(days),
    tasks: tasksOf(days),
  };
}

type Days = readonly (DayFigures | undefined)[];

const known = <P extends keyof DayFigures>(days: Days, part: P): NonNullable<DayFigures[P]>[] =>
  days.flatMap((day) => (day?.[part] ? [day[part]] : []));

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

function usersOf(days: Days): WeekFigures['users'] {
  const users = known(days, 'users');
  if (users.length === 0) return null;
  return {
    new: sum(users.map((day) => day.new)),
    churned: sum(users.map(({ churned }) => churned)),
    active: users.findLast(({ at_end }) => at_end !== null)?.at_end?.active ?? null,
    daily_new: days.map((day) => day?.users?.new ?? null),
  };
}

function bandwidthOf(days: Days): WeekFigures['bandwidth'] {
  const parts = known(days, 'bandwidth');
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

function uptimeOfDays(days: Days): WeekFigures['uptime'] {
  const parts = known(days, 'uptime');
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
  const parts = known(days, 'notifications');
  if (parts.length === 0) return null;
  const reasons = Map.groupBy(
    parts.flatMap(({ by_reason }) => Object.entries(by_reason)),
    ([reason]) => reason,
  );
  return {
    sent: sum(parts.map(({ sent }) => sent)),
    failed: sum(parts.map(({ failed }) => failed)),
    by_reason: Object.fromEntries([...reasons].map(([reason, entries]) => [reason, sum(entries.map(([, n]) => n))])),
  };
}

function tasksOf(days: Days): TaskFigures | null {
  const parts = known(days, 'tasks');
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

/** What is normal; beyond it a week asks for a look. Fewer samples than `least` prove nothing. */
const NORMAL = {
  uptimePercent: 99,
  incidents: 2,
  paymentFailures: 0.1,
  incomeFallPercent: -20,
  taskFailures: 0.005,
  undelivered: 0.05,
  meanMs: 2000,
  least: 20,
} as const;
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
    ...undelivered(week.notifications),
    ...missingDays(week),
  ];
}

function weakNodes({ uptime }: WeekFigures): Remark[] {
  return (uptime?.nodes ?? [])
    .flatMap(({ incidents, name, percent }) => {
      const isWeak = percent !== null && (percent < NORMAL.uptimePercent || incidents > NORMAL.incidents);
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
    return percent !== null && percent < NORMAL.incomeFallPercent ? [{ kind: 'income_fell', currency, percent }] : [];
  });
  return [...fails, ...fell];
}

function taskFindings(tasks: TaskFigures | null): Remark[] {
  if (!tasks) return [];
  const total = tasks.succeeded + tasks.failed;
  const share = total >= NORMAL.least ? tasks.failed / total : 0;
  const worst = tasks.errors[0]?.task;
  const slow = Object.entries(tasks.calls).filter(
    ([, call]) => call.count >= NORMAL.least && call.mean_ms > NORMAL.meanMs,
  );
  return [
    ...(worst !== undefined && share > NORMAL.taskFailures
      ? [{ kind: 'tasks_fail' as const, share, task: worst }]
      : []),
    ...slow.map(([service, call]) => ({ kind: 'slow_service' as const, service, meanMs: call.mean_ms })),
  ];
}

function undelivered(notifications: WeekFigures['notifications']): Remark[] {
  if (!notifications) return [];
  const { by_reason: reasons, failed, sent } = notifications;
  const [reason] = Object.entries(reasons).sort(([, a], [, b]) => b - a)[0] ?? [];
  const share = failed / Math.max(1, failed + sent);
  const isMany = failed + sent >= NORMAL.least && share > NORMAL.undelivered;
  return isMany && reason !== undefined ? [{ kind: 'undelivered', share, reason }] : [];
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

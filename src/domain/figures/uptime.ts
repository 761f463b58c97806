import { type Interval, overlapSeconds } from '../../lib/utc-days.ts';
import type { NodeChange, NodeStatus } from '../../repositories/redis/monitoring/node-health-store.ts';

/** A stretch of time in one state; `unknown` = nobody had seen the node yet, or nobody looked any more. */
export type Stretch = Interval & { status: NodeStatus | 'unknown' };

export type Uptime = {
  onlineSeconds: number;
  downSeconds: number;
  unknownSeconds: number;
  /** Online of online and down, 0 to 100 with two decimals; null where neither is known. */
  percent: number | null;
};

export type Outage = { beganAt: Date; endedAt: Date | undefined };

/**
 * The states a node was in, from its changes and not from samples: between two changes it was what the first made it. `changes` are
 * all that are known up to the interval's end, oldest first; `now` is the state it has at `seenAt`, the last look at it, and since when.
 */
export function stretchesOf(
  changes: readonly NodeChange[],
  now: { status: NodeStatus; since: Date; seenAt: Date } | undefined,
  interval: Interval,
): Stretch[] {
  const known = now && changes.length === 0 ? [{ status: now.status, at: now.since }] : changes;
  const seenUntil = now?.seenAt ?? known.at(-1)?.at ?? interval.from;
  const first = known[0];
  if (!first) return [{ ...interval, status: 'unknown' }];
  const marks: { at: number; status: Stretch['status'] }[] = [
    { at: Number.NEGATIVE_INFINITY, status: first.previousStatus ?? 'unknown' },
    ...known.map(({ at, status }) => ({ at: at.getTime(), status })),
    { at: Math.max(seenUntil.getTime(), known.at(-1)!.at.getTime()), status: 'unknown' },
  ];
  return marks.flatMap(({ at, status }, i) => {
    const from = Math.max(at, interval.from.getTime());
    const to = Math.min(marks[i + 1]?.at ?? Number.POSITIVE_INFINITY, interval.to.getTime());
    return from < to ? [{ from: new Date(from), to: new Date(to), status }] : [];
  });
}

/** Time that an admin switched the node off counts neither way; connecting is down. */
export function uptimeOf(stretches: readonly Stretch[], interval: Interval): Uptime {
  const secondsIn = (...statuses: Stretch['status'][]): number =>
    stretches
      .filter(({ status }) => statuses.includes(status))
      .reduce((sum, stretch) => sum + overlapSeconds(stretch, interval), 0);
  const onlineSeconds = secondsIn('online');
  const downSeconds = secondsIn('offline', 'warning');
  return {
    onlineSeconds,
    downSeconds,
    unknownSeconds: secondsIn('unknown'),
    percent: percentOf(onlineSeconds, downSeconds),
  };
}

/** Online of both, with two decimals. */
export const percentOf = (onlineSeconds: number, downSeconds: number): number | null => {
  const whole = onlineSeconds + downSeconds;
  return whole === 0 ? null : Math.round((onlineSeconds / whole) * 10_000) / 100;
};

/** Outages that began in the interval: time without service that was offline at some point. Just connecting is none. */
export function outagesIn(stretches: readonly Stretch[], interval: Interval): Outage[] {
  const outages: (Outage & { wasOffline: boolean })[] = [];
  let open: (Outage & { wasOffline: boolean }) | undefined;
  for (const { from, status } of stretches) {
    if (status === 'offline' || status === 'warning') {
      open ??= { beganAt: from, endedAt: undefined, wasOffline: false };
      open.wasOffline ||= status === 'offline';
    } else if (open) {
      outages.push({ ...open, endedAt: from });
      open = undefined;
    }
  }
  if (open) outages.push(open);
  return outages
    .filter(({ beganAt, wasOffline }) => wasOffline && beganAt >= interval.from && beganAt < interval.to)
    .map(({ beganAt, endedAt }) => ({ beganAt, endedAt }));
}

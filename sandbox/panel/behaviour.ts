import type { SandboxNode, SandboxUser } from './model.ts';
import type { SandboxUsers } from './users.ts';
import { flownOf, trafficOf } from './wire.ts';

/** The panel sends no webhooks per user in a run with this many changes or more. */
export const SILENT_FROM = 10_000;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** Minutes after midnight UTC at which the panel resets the traffic that is due that day. */
const RESETS: readonly { minute: number; due(user: SandboxUser, day: Date): boolean }[] = [
  { minute: 5, due: (user) => user.trafficLimitStrategy === 'DAY' },
  { minute: 10, due: (user, day) => user.trafficLimitStrategy === 'MONTH_ROLLING' && isRollingDay(user, day) },
  { minute: 15, due: (user, day) => user.trafficLimitStrategy === 'WEEK' && day.getUTCDay() === 1 },
  { minute: 20, due: (user, day) => user.trafficLimitStrategy === 'MONTH' && day.getUTCDate() === 1 },
];

const NODE_RESET_MINUTE = 60;

export type Scope = {
  users: SandboxUsers;
  nodes: ReadonlyMap<string, SandboxNode>;
  /** Around one run of one job, so that its events can be held back when there are too many. */
  batch(run: () => void): void;
};

/**
 * The panel's own actions in `(from, to]`: it marks EXPIRED (every 30 s) and LIMITED (every 45 s of its cron), resets traffic by strategy
 * and node counters by their day. Between two resets, only the last EXPIRED and LIMITED runs are done: the state is the same, and a month
 * passes in milliseconds.
 */
export function panelActs({ users, nodes, batch }: Scope, from: number, to: number): void {
  for (const at of resetTimes(from, to)) {
    mark(users, batch, at);
    const day = new Date(at);
    const minute = day.getUTCHours() * 60 + day.getUTCMinutes();
    const reset = RESETS.find((one) => one.minute === minute);
    if (reset)
      batch(() =>
        each(
          users,
          (user) => reset.due(user, day),
          (user) => users.resetTraffic(user),
        ),
      );
    if (minute === NODE_RESET_MINUTE) for (const node of nodes.values()) resetNode(node, day);
  }
  if (Math.floor(to / 30_000) > Math.floor(from / 30_000)) mark(users, batch, to);
}

function* resetTimes(from: number, to: number): Generator<number> {
  const minutes = [...RESETS.map(({ minute }) => minute), NODE_RESET_MINUTE];
  for (let midnight = Math.floor(from / DAY_MS) * DAY_MS; midnight <= to; midnight += DAY_MS) {
    for (const minute of minutes) {
      const at = midnight + minute * MINUTE_MS;
      if (at > from && at <= to) yield at;
    }
  }
}

function mark(users: SandboxUsers, batch: Scope['batch'], now: number): void {
  const lives = ({ status }: SandboxUser): boolean => status === 'ACTIVE' || status === 'LIMITED';
  batch(() =>
    each(
      users,
      (user) => lives(user) && user.expireAt < now,
      (user) => users.expire(user),
    ),
  );
  batch(() => each(users, isOverLimit, (user) => users.limit(user)));
}

const isOverLimit = (user: SandboxUser): boolean =>
  user.status === 'ACTIVE' && user.trafficLimitBytes !== 0 && user.usedTrafficBytes >= user.trafficLimitBytes;

function each(users: SandboxUsers, is: (user: SandboxUser) => boolean, act: (user: SandboxUser) => void): void {
  for (const user of users.all()) if (is(user)) act(user);
}

/** The day of `createdAt`, clamped to the end of the month. */
function isRollingDay(user: SandboxUser, day: Date): boolean {
  const lastOfMonth = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
  return day.getUTCDate() === Math.min(new Date(user.createdAt).getUTCDate(), lastOfMonth);
}

function resetNode(node: SandboxNode, day: Date): void {
  if (day.getUTCDate() !== node.trafficResetDay) return;
  node.flownBytes = flownOf(node, day.getTime());
  node.trafficUsedBytes = 0;
  node.countedAt = day.getTime();
}

/** Settles the counter before a change of its rate. */
export function countTraffic(node: SandboxNode, now: number): void {
  node.trafficUsedBytes = trafficOf(node, now);
  node.flownBytes = flownOf(node, now);
  node.countedAt = now;
}

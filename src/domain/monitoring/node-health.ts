import type { PanelNode } from '../../clients/remnawave/types.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { type MaintenanceWindow, windowAt } from '../../repositories/history/maintenance-rows.ts';
import type { NodeChange, NodeRecord, NodeStatus } from '../../repositories/redis/monitoring/node-health-store.ts';

/** A node that looks down is looked at once more after this before anybody is told. */
const CONFIRM_AFTER_MS = seconds(20);
/** A second look confirms from this age on, so that one that came a little early counts too. */
const CONFIRM_AT_LEAST_MS = seconds(15);
/** While a node is connecting it is looked at as often, for this long, so that its going down is noticed in time. */
const FOLLOW_CONNECTING_MS = minutes(2);
/** The end of a maintenance window is waited for from this long before it; looks are at most an hour apart. */
const FOLLOW_END_MS = hours(1);
const AFTER_END_MS = seconds(1);
/** A node is back once it has been online for this long. */
const STABLE_AFTER_MS = minutes(1);
/** More changes than this within the window are flapping. It is over after a window without any. */
const FLIPS_ALLOWED = 3;
const FLAP_WINDOW_MS = minutes(10);

/** Which alerts about a node are on. */
export type AlertsOn = { offline: boolean; unstable: boolean };

/** What the alerts should say now. Nothing: they stay as they are. */
export type NodeCall =
  /** It is down, confirmed: now or as before. */
  | 'offline'
  /** It is back, and stays so. */
  | 'back'
  /** It flaps. Takes the place of `offline`. */
  | 'unstable'
  /** The flapping is over and it serves. */
  | 'stable'
  /** The flapping is over, but it is down. */
  | 'settled_down'
  /** An admin switched it off, or a maintenance window is on: nothing to alert about. */
  | 'none_needed';

export type NodeVerdict = {
  record: NodeRecord;
  /** Absent where its status is what it was. */
  change?: NodeChange;
  call?: NodeCall;
  /** Another look is worth it before the next scheduled one. */
  lookAgainMs?: number;
};

/** The panel's own rule for a node that is down is the same. */
export function statusOf(node: Pick<PanelNode, 'isConnected' | 'isConnecting' | 'isDisabled'>): NodeStatus {
  if (node.isDisabled) return 'maintenance';
  if (node.isConnected) return 'online';
  return node.isConnecting ? 'warning' : 'offline';
}

/**
 * Judges one look at a node by what was known of it. `windows` are its maintenance windows: while one is on, the node is in
 * maintenance, and the state at the panel is remembered, so that a node which is down at the end is told at once. Pure; the caller
 * stores, tells and looks again.
 */
export function judge(
  node: PanelNode,
  previous: NodeRecord | undefined,
  on: AlertsOn,
  { now, windows = [] }: { now: Date; windows?: readonly MaintenanceWindow[] },
): NodeVerdict {
  const window = windowAt(windows, now);
  const look = { node, status: window ? ('maintenance' as const) : statusOf(node), now, windows, window };
  if (!previous) return firstSight(look);
  const record = next(look, previous);
  const change =
    record.status === previous.status
      ? undefined
      : { status: record.status, previousStatus: previous.status, at: record.since };
  const call = callFor(record, on, now);
  const willAlert = on.offline || on.unstable || call !== undefined;
  const lookAgainMs = window ? untilEnd(window, now) : lookAgain(record, { ...on, willAlert }, now);
  return {
    record,
    ...(change && { change }),
    ...(call && { call }),
    ...(lookAgainMs !== undefined && { lookAgainMs }),
  };
}

/** One look: what the panel says, and what that means beside the maintenance windows. */
type Look = {
  node: PanelNode;
  status: NodeStatus;
  now: Date;
  windows: readonly MaintenanceWindow[];
  window: MaintenanceWindow | undefined;
};

/** Recorded, and nobody is told: what it was before is not known. */
function firstSight(look: Look): NodeVerdict {
  const { node, now, status } = look;
  const since = node.lastStatusChange && node.lastStatusChange <= now ? node.lastStatusChange : now;
  const record: NodeRecord = {
    ...identity(look),
    since,
    downSince: isDown(status) ? since : undefined,
    // One that was down before anybody looked is told where it is still down after its maintenance.
    ...(look.window && { suspectSince: statusOf(node) === 'offline' ? now : undefined }),
    flips: [],
  };
  return { record, change: { status, at: now } };
}

function next(look: Look, previous: NodeRecord): NodeRecord {
  const { node, now, status } = look;
  const suspect = suspectSince(statusOf(node), previous, now);
  const common = identity(look);
  const recent = previous.flips.filter((at) => now.getTime() - at.getTime() < FLAP_WINDOW_MS);
  if (status === previous.status)
    return { ...previous, ...common, ...(look.window && { suspectSince: suspect }), flips: recent };

  const at = changedAt(look, previous);
  return {
    ...common,
    previousStatus: previous.status,
    since: at,
    downSince: isDown(status) ? (previous.downSince ?? at) : undefined,
    suspectSince: suspect,
    flips: isFlip(previous.status, status) ? [...recent, at] : recent,
  };
}

const identity = ({ node, now, status, window }: Look) => ({
  nodeUuid: node.uuid,
  name: node.name,
  country: node.countryCode,
  status,
  checkedAt: now,
  reason: window ? window.reason : isDown(status) ? reasonOf(node) : undefined,
});

const isDown = (status: NodeStatus): boolean => status === 'offline' || status === 'warning';

function suspectSince(status: NodeStatus, previous: NodeRecord, now: Date): Date | undefined {
  if (status === 'offline') return previous.suspectSince ?? now;
  return status === 'warning' ? previous.suspectSince : undefined;
}

/**
 * The panel looks every 10 s, we every two minutes: its time is the better one, where it lies between our looks. So are the beginning and
 * the end of maintenance.
 */
function changedAt({ node, now, window, windows }: Look, previous: NodeRecord): Date {
  const known = window ? [window.beginsAt] : [node.lastStatusChange, ...windows.map(({ endsAt }) => endsAt)];
  const between = known.flatMap((at) => (at && at > previous.checkedAt && at <= now ? [at.getTime()] : []));
  return between.length > 0 ? new Date(Math.max(...between)) : now;
}

/** Serving to not serving or back. Steps on the way (connecting) and an admin's switch are none: one outage is two flips. */
function isFlip(from: NodeStatus, to: NodeStatus): boolean {
  if (from === 'maintenance' || to === 'maintenance') return false;
  return (from === 'online') !== (to === 'online');
}

function callFor(record: NodeRecord, on: AlertsOn, now: Date): NodeCall | undefined {
  const { flips, since, status, suspectSince: suspect } = record;
  if (status === 'maintenance') return on.offline || on.unstable ? 'none_needed' : undefined;
  if (flips.length > FLIPS_ALLOWED || (on.unstable && flips.length > 0)) return 'unstable';
  if (status === 'online') {
    if (on.unstable) return 'stable';
    return on.offline && age(since, now) >= STABLE_AFTER_MS ? 'back' : undefined;
  }
  if (on.unstable) return status === 'offline' ? 'settled_down' : 'unstable';
  if (on.offline) return 'offline';
  const isConfirmed = status === 'offline' && suspect !== undefined && age(suspect, now) >= CONFIRM_AT_LEAST_MS;
  return isConfirmed ? 'offline' : undefined;
}

/** A window that ends before long is followed by a look: a node that is still down is told then. */
function untilEnd({ endsAt }: MaintenanceWindow, now: Date): number | undefined {
  const leftMs = endsAt.getTime() - now.getTime();
  return leftMs <= FOLLOW_END_MS ? leftMs + AFTER_END_MS : undefined;
}

function lookAgain(record: NodeRecord, on: AlertsOn & { willAlert: boolean }, now: Date): number | undefined {
  const { since, status, suspectSince: suspect } = record;
  if (status === 'online') {
    const leftMs = STABLE_AFTER_MS - age(since, now);
    return on.offline && !on.unstable && leftMs > 0 ? leftMs : undefined;
  }
  if (on.willAlert) return undefined;
  if (status === 'offline' && suspect !== undefined) return CONFIRM_AFTER_MS;
  return status === 'warning' && age(since, now) < FOLLOW_CONNECTING_MS ? CONFIRM_AFTER_MS : undefined;
}

const age = (since: Date, now: Date): number => now.getTime() - since.getTime();

/** The panel writes a JSON text into the text: `"\"connect ECONNREFUSED …\""`. */
function reasonOf({ lastStatusMessage: message }: PanelNode): string | undefined {
  return message?.replace(/^"(.*)"$/s, '$1').slice(0, 200) || undefined;
}

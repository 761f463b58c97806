import type { PanelNode } from '../../clients/remnawave/types.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import type { NodeChange, NodeRecord, NodeStatus } from '../../repositories/redis/monitoring/node-health-store.ts';

/** A node that looks down is looked at once more after this before anybody is told. */
const CONFIRM_AFTER_MS = seconds(20);
/** A second look confirms from this age on, so that one that came a little early counts too. */
const CONFIRM_AT_LEAST_MS = seconds(15);
/** While a node is connecting it is looked at as often, for this long, so that its going down is noticed in time. */
const FOLLOW_CONNECTING_MS = minutes(2);
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
  /** An admin switched it off: nothing to alert about. */
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

/** Judges one look at a node by what was known of it. Pure; the caller stores, tells and looks again. */
export function judge(node: PanelNode, previous: NodeRecord | undefined, on: AlertsOn, now: Date): NodeVerdict {
  if (!previous) return firstSight(node, now);
  const record = next(node, previous, now);
  const change =
    record.status === previous.status
      ? undefined
      : { status: record.status, previousStatus: previous.status, at: record.since };
  const call = callFor(record, on, now);
  const willAlert = on.offline || on.unstable || call !== undefined;
  const lookAgainMs = lookAgain(record, { ...on, willAlert }, now);
  return {
    record,
    ...(change && { change }),
    ...(call && { call }),
    ...(lookAgainMs !== undefined && { lookAgainMs }),
  };
}

/** Recorded, and nobody is told: what it was before is not known. */
function firstSight(node: PanelNode, now: Date): NodeVerdict {
  const status = statusOf(node);
  const since = node.lastStatusChange && node.lastStatusChange <= now ? node.lastStatusChange : now;
  const record: NodeRecord = {
    ...identity(node, status, now),
    since,
    downSince: isDown(status) ? since : undefined,
    flips: [],
  };
  return { record, change: { status, at: now } };
}

function next(node: PanelNode, previous: NodeRecord, now: Date): NodeRecord {
  const status = statusOf(node);
  const common = identity(node, status, now);
  const recent = previous.flips.filter((at) => now.getTime() - at.getTime() < FLAP_WINDOW_MS);
  if (status === previous.status) return { ...previous, ...common, flips: recent };

  const at = changedAt(node, previous, now);
  return {
    ...common,
    previousStatus: previous.status,
    since: at,
    downSince: isDown(status) ? (previous.downSince ?? at) : undefined,
    suspectSince: suspectSince(status, previous, now),
    flips: isFlip(previous.status, status) ? [...recent, at] : recent,
  };
}

const identity = (node: PanelNode, status: NodeStatus, now: Date) => ({
  nodeUuid: node.uuid,
  name: node.name,
  country: node.countryCode,
  status,
  checkedAt: now,
  reason: isDown(status) ? reasonOf(node) : undefined,
});

const isDown = (status: NodeStatus): boolean => status === 'offline' || status === 'warning';

function suspectSince(status: NodeStatus, previous: NodeRecord, now: Date): Date | undefined {
  if (status === 'offline') return previous.suspectSince ?? now;
  return status === 'warning' ? previous.suspectSince : undefined;
}

/** The panel looks every 10 s, we every two minutes: its time is the better one, where it lies between our looks. */
function changedAt(node: PanelNode, previous: NodeRecord, now: Date): Date {
  const told = node.lastStatusChange;
  return told && told > previous.checkedAt && told <= now ? told : now;
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

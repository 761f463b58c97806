/**
 * The panel in our own words, the same for both generations. Nothing here holds a VPN secret: passwords, vless ids,
 * subscription links and raw configurations are dropped where answers are parsed (`schemas.ts`).
 */

import type { Hole } from '../../lib/read-each.ts';

/** A user's key at the panel, opaque to tasks: the uuid on 2.x, the number as decimal text on 3.x. */
export type PanelUserId = string;

/** The states that we know. A panel may have more: `PanelUser.status` is text. */
export type PanelUserStatus = 'ACTIVE' | 'DISABLED' | 'LIMITED' | 'EXPIRED';

/** The strategies that we know and may set. */
export type TrafficLimitStrategy = 'NO_RESET' | 'DAY' | 'WEEK' | 'MONTH' | 'MONTH_ROLLING';

export type PanelUser = {
  id: PanelUserId;
  /** Only panels 2.x have it. */
  uuid?: string;
  shortUuid?: string;
  username: string;
  /** A `PanelUserStatus`, or a word that we do not know: such a user is neither on nor off to us. */
  status: string;
  expireAt: Date;
  /** Not unique: one person can own several panel users. */
  telegramId?: number;
  tag?: string;
  /** 0 = unlimited. */
  trafficLimitBytes: number;
  /** A `TrafficLimitStrategy`, or a word that we do not know. */
  trafficLimitStrategy: string;
  /** What the panel charges, which is more or less than what flowed where a node has a `consumptionMultiplier`. */
  usedTrafficBytes: number;
  /** The last reset, by the panel's strategy, a task or an admin. */
  lastTrafficResetAt?: Date;
  onlineAt?: Date;
  /** The uuid of the node that the user was last connected to. */
  lastNode?: string;
  createdAt: Date;
};

/**
 * A listing of users, read page by page, once. `holes` grows while it is read: users who are at the panel but cannot be read. They are
 * not in the listing, and must not be taken for gone.
 */
export type UserListing = AsyncIterable<PanelUser> & { readonly holes: readonly Hole[] };

export type UserFilter = { status?: PanelUserStatus; telegramId?: number };

/** What an action on one user came to. `already`: it was in that state before, which is success. */
export type ActionResult = 'done' | 'already' | 'not_found';

/** Fields that a bulk update may set. LIMITED and EXPIRED are the panel's own to give. */
export type UserFields = {
  status?: 'ACTIVE' | 'DISABLED';
  /** Must lie in the future. */
  expireAt?: Date;
  trafficLimitBytes?: number;
  trafficLimitStrategy?: TrafficLimitStrategy;
  tag?: string | null;
  telegramId?: number | null;
};

/** How many users the panel says it has. */
export type UserCounts = { total: number; byStatus: Record<PanelUserStatus, number> };

export type PanelInbound = {
  uuid: string;
  profileUuid: string;
  tag: string;
  type: string;
  network?: string;
  security?: string;
  port?: number;
};

export type PanelNode = {
  uuid: string;
  name: string;
  address?: string;
  port?: number;
  /** `XX` where the panel does not say, as the panel itself has it. */
  countryCode: string;
  isConnected: boolean;
  isConnecting: boolean;
  /** Switched off by an admin. */
  isDisabled: boolean;
  lastStatusChange?: Date;
  lastStatusMessage?: string;
  /**
   * The bytes that went through the node: a counter that starts again at 0 on the node's `trafficResetDay`. Absent where the panel does not
   * track it, or weighs it by 0 or by what is no number: a counter that is weighed by 0 stands still.
   */
  trafficUsedBytes?: number;
  /**
   * Panels 3.x count each byte this many times (`nodeConsumptionMultiplier`); 1 where the panel does not say. Counted bytes keep their
   * weight, so a change makes the counter leap. Absent where it is no number. The bytes of users have a weight of their own
   * (`consumptionMultiplier`), by which the panel has multiplied `PanelUser.usedTrafficBytes`.
   */
  trafficWeight?: number;
  /** As the panel counts: it is reached by weighed bytes. */
  trafficLimitBytes?: number;
  trafficResetDay?: number;
  /** Absent = the panel did not say; not zero. */
  usersOnline?: number;
  activeConfigProfileUuid?: string;
  inbounds: PanelInbound[];
};

/**
 * Traffic of a node since its start, from the panel's own metrics. The panel rounds these to two decimals of the largest
 * unit ("1.23 TiB"), so they are approximate: take `PanelNode.trafficUsedBytes` for differences.
 * The panel answers an empty list when it cannot read its metrics: a missing node is unknown, not idle.
 */
export type PanelNodeMetrics = {
  nodeUuid: string;
  nodeName: string;
  usersOnline: number;
  uploadBytes: number;
  downloadBytes: number;
  inbounds: { tag: string; uploadBytes: number; downloadBytes: number }[];
};

/**
 * Bytes per node and day, as they flowed: no weight changes them. `days` are `YYYY-MM-DD`; `nodes[].bytes[i]` belongs to `days[i]`. The most
 * traffic comes first; a node that had none on these days is not among them.
 */
export type PanelBandwidth = {
  days: string[];
  nodes: { uuid: string; name: string; countryCode: string; totalBytes: number; bytes: number[] }[];
  /** Nodes whose traffic cannot be read: unknown, not idle. */
  holes: Hole[];
};

export type PanelStats = {
  users: UserCounts;
  online: { now: number; lastDay: number; lastWeek: number; never: number };
  /** Traffic of all nodes since the panel was installed. */
  totalBytesLifetime: number;
  uptimeSeconds: number;
};

/** Approximate bytes, as the panel rounds them to two decimals of the largest unit. */
export type BandwidthPeriod = { currentBytes: number; previousBytes: number };

export type PanelStatsBandwidth = {
  lastTwoDays: BandwidthPeriod;
  lastSevenDays: BandwidthPeriod;
  last30Days: BandwidthPeriod;
  calendarMonth: BandwidthPeriod;
  currentYear: BandwidthPeriod;
};

/** One entry per process of the panel. */
export type PanelHealth = {
  processes: { type: string; pid: number; rssBytes: number; eventLoopP99Ms: number; uptimeSeconds: number }[];
};

export type PanelVersion = {
  version: string;
  /** The number of the adapter that speaks to it. */
  generation: number;
  /** Whether its users have uuids: one that it does not find by its uuid is then gone. */
  usersHaveUuids: boolean;
};

export type PanelHost = {
  uuid: string;
  remark: string;
  address: string;
  port: number;
  isDisabled: boolean;
  configProfileUuid?: string;
  inboundUuid?: string;
  nodeUuids: string[];
};

export type PanelConfigProfile = {
  uuid: string;
  name: string;
  inbounds: PanelInbound[];
  nodeUuids: string[];
};

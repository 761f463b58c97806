import type { CampaignEarned, CampaignGroups } from '../lib/campaign-earnings.ts';
import type { DeliveryTotals } from '../lib/figure-definitions.ts';

/**
 * The figures of one UTC day, as `stats:daily:{date}` holds them and reports tell them; hence the names in `snake_case`.
 * `null` = not known, because its source had no answer; never zero instead. What each counts: `docs/figures.md`.
 */
export type DayFigures = {
  /** The mark of this layout. Records of other writers under the same key do not have it. */
  schema: 1;
  /** `YYYY-MM-DD`, UTC. */
  date: string;
  users: UserFigures | null;
  bandwidth: BandwidthFigures | null;
  uptime: UptimeFigures | null;
  payments: PaymentTotals | null;
  /** What admins did, by action. */
  admin_operations: Record<string, number> | null;
  notifications: NotificationFigures | null;
  tasks: TaskFigures | null;
};

export type UserFigures = {
  /** How many there were of each status soon after the day's end; null where that was asked too late. */
  at_end: {
    taken_at: string;
    total: number;
    active: number;
    disabled: number;
    limited: number;
    expired: number;
    /** Of the total, those who cannot be read and whose state is not known; absent where there are none. */
    unreadable?: number;
  } | null;
  new: number;
  /** Expired within the day and not renewed when it was counted. */
  churned: number;
};

export type BandwidthFigures = {
  bytes: number;
  /** Share of the nodes' time that samples cover, 0 to 1. */
  coverage: number;
  /** The busiest first. */
  nodes: { node_uuid: string; name: string; bytes: number; coverage: number }[];
};

export type UptimeFigures = {
  /** Over all nodes; null where none was watched. */
  percent: number | null;
  nodes: NodeUptime[];
  incidents: Incident[];
};

export type NodeUptime = {
  node_uuid: string;
  name: string;
  country: string;
  /** Online, of the time in which it should have been; null where there was none. */
  percent: number | null;
  online_seconds: number;
  down_seconds: number;
  /** Time of which nothing is known. */
  unknown_seconds: number;
  incidents: number;
};

export type Incident = {
  node_uuid: string;
  name: string;
  began_at: string;
  /** Null: it was still down when the day ended. */
  ended_at: string | null;
};

type Amounts = Record<string, { count: number; total: string }>;
type Groups = Record<string, { count: number; by_currency: Amounts }>;

/** By creation of the payment; amounts as decimal text, never added up over currencies. */
export type PaymentTotals = {
  by_currency: Amounts;
  by_provider: Groups;
  /** Absent in figures of earlier versions. */
  by_purchase?: Groups;
  by_plan: Groups;
  total_count: number;
  failed_count: number;
  pending_count: number;
  failure_rate: number | null;
  /** Completed by this worker alone, so that what the backend does at that moment has not been done. */
  without_backend: number;
};

/** `failed` are those that should have arrived; what each counts: `lib/figure-definitions.ts`. */
export type NotificationFigures = DeliveryTotals & {
  /** Of all that were not sent: `blocked`, `chat_not_found`, … */
  by_reason: Record<string, number>;
};

export type TaskFigures = {
  succeeded: number;
  failed: number;
  /** The most frequent first. */
  errors: { task: string; code: string; count: number }[];
  /** Answered calls of outside services. */
  calls: Record<string, { count: number; mean_ms: number }>;
};

type WeekPart = 'users' | 'bandwidth' | 'uptime' | 'notifications' | 'tasks';

/** A stretch of days added up, for a weekly report. A day without figures counts nowhere and is named as missing. */
export type WeekFigures = {
  /** First and last day. */
  from: string;
  to: string;
  /** Days of which each part is not known although the worker had begun. */
  missing: Record<WeekPart, readonly string[]>;
  /** How many days each part is known of. */
  known: Record<WeekPart, number>;
  /** The first day that the worker lived through, where some of these are before it; `none` where it lived through none. */
  begins: string | 'none' | null;
  /** `active`: at the end of the last day of which it is known. */
  users: { new: number; churned: number; active: number | null; daily_new: (number | null)[] } | null;
  payments: PaymentTotals | null;
  bandwidth: { bytes: number; daily: (number | null)[]; nodes: { name: string; bytes: number }[] } | null;
  uptime: {
    percent: number | null;
    incidents: number;
    /** Most incidents first, then least uptime. */
    nodes: { name: string; percent: number | null; incidents: number; down_seconds: number }[];
  } | null;
  notifications: NotificationFigures | null;
  tasks: TaskFigures | null;
  /** Those that wrote to somebody in the week before. Absent: none did. */
  campaigns?: readonly CampaignFigures[] | null;
};

/** What one campaign earned with those whom it first wrote to in a week, within their seven days. */
export type CampaignFigures = {
  id: string;
  name: string;
  groups: CampaignGroups;
  /** Undefined where nobody was held out. */
  earned: CampaignEarned | undefined;
};

/** Something in a week that somebody should do something about. */
export type Remark =
  | { kind: 'node_weak'; name: string; percent: number; incidents: number }
  | { kind: 'payments_fail'; share: number }
  | { kind: 'income_fell'; currency: string; percent: number }
  | { kind: 'more_leave'; gone: number; came: number }
  | { kind: 'tasks_fail'; share: number; task: string }
  | { kind: 'undelivered'; share: number; reason: string }
  | { kind: 'unreachable'; share: number }
  | { kind: 'slow_service'; service: string; meanMs: number }
  | { kind: 'days_missing'; days: number };

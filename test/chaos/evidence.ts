import type { Asked } from './load/asked.ts';
import type { Run } from './log-book.ts';
import type { Event } from './timeline.ts';

export type PaymentEvidence = {
  id: string;
  status: string;
  activation: string | undefined;
  /** The promised expiry, and with `basisMs` the time from which its days count. */
  targetMs: number | undefined;
  basisMs: number | undefined;
  isMismatched: boolean;
  /** Entries `payment.completed` of the audit trail, and confirmations that were sent. */
  completions: number;
  confirmations: number;
};

export type PanelUserEvidence = {
  status: string;
  expireAtMs: number;
  usedBytes: number;
  disables: number;
  resets: number;
};

/** `missing`: Redis has no such job. */
export type JobEvidence = {
  state: string;
  result: Readonly<Record<string, unknown>> | undefined;
  error: string | undefined;
};

/** `claimedAtMs`: when a run took the mail in hand of whose end nothing is known. Undefined where none did, or the mail is known to be sent. */
export type MailEvidence = JobEvidence & { claimedAtMs: number | undefined };

export type ExportEvidence = JobEvidence & {
  /** Rows in the file, counted; undefined where there is none. `broken` where it cannot be read to its end. */
  file: { rows: number } | 'broken' | undefined;
  /** Kinds of notices to the admins about it. */
  notices: readonly string[];
};

export type ProcessEvidence = {
  name: string;
  pid: number;
  rssMib: number;
  databaseConnections: number;
  redisConnections: number;
};

export type ScheduleEvidence = {
  task: string;
  declared: string;
  stored: string | undefined;
  nextMs: number | undefined;
  periodMs: number;
};

/** All observations after the system came to rest. The invariants judge this alone. */
export type Evidence = {
  startedAtMs: number;
  /** The time at which the last fault was over. */
  calmAtMs: number;
  endedAtMs: number;
  events: readonly Event[];
  asked: Asked;
  /** The arrival times of each message, by key. */
  deliveries: ReadonlyMap<string, readonly number[]>;
  /** What the admins were told, as they read it, in order of arrival. */
  told: readonly { atMs: number; text: string }[];
  /** Due rows that are neither sent nor failed, and failed rows with their reason. */
  rowsPastDue: readonly { id: string; dueMs: number }[];
  rowsFailed: readonly { key: string; error: string }[];
  /** By job id, those that did not arrive. */
  mailsMissing: ReadonlyMap<string, MailEvidence>;
  payments: ReadonlyMap<string, PaymentEvidence>;
  panelUsers: ReadonlyMap<string, PanelUserEvidence>;
  contractViolations: readonly string[];
  /** The number of reminder rows, by Telegram id. */
  reminders: ReadonlyMap<number, number>;
  bulk: ReadonlyMap<string, JobEvidence>;
  exports: ReadonlyMap<string, ExportEvidence>;
  /** States of the planned broadcasts, by id. */
  broadcasts: ReadonlyMap<string, string>;
  dryRuns: ReadonlyMap<string, JobEvidence>;
  /** States of the jobs that no worker here knows, by id. */
  ofNextVersion: ReadonlyMap<string, JobEvidence>;
  drafts: readonly string[];
  strangeFiles: readonly string[];
  /** The TaskIQ task ids that have a result. */
  results: ReadonlySet<string>;
  /** TaskIQ task ids in the dead-letter stream. */
  deadMessages: ReadonlySet<string>;
  stream: { length: number; pending: number; consumers: number; workers: number };
  /** Jobs by queue and state, ticks left out. */
  jobs: readonly { queue: string; state: string; id: string; task: string }[];
  schedules: readonly ScheduleEvidence[];
  runs: readonly Run[];
  /** Processes that went through the faults, and fresh ones to compare with. */
  survivors: readonly ProcessEvidence[];
  fresh: readonly ProcessEvidence[];
  /** Sessions of the service at PostgreSQL that are idle in an open transaction. */
  openTransactions: number;
  troubles: readonly { atMs: number; what: string }[];
};

/** A broken promise; `atMs` is the time at which it became visible. */
export type Violation = { rule: string; atMs: number; what: string };

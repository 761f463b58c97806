import type { Readable } from 'node:stream';
import type { ApiRole } from '../../lib/api-role.ts';
import type { Calendar } from '../../lib/calendar.ts';
import type { DefinedTask } from '../../lib/defined-task.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Log } from '../../observability/log.ts';
import type { AuditTrail } from '../../repositories/audit-trail.ts';
import type { SchedulePause } from '../../repositories/history/kept-pauses.ts';
import type { Notifications } from '../../repositories/notifications.ts';
import type { Outbox, OutboxCounts } from '../../repositories/outbox.ts';
import type { PaymentStats } from '../../repositories/payment-stats.ts';
import type { ActiveAlert } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { EndedSessions } from '../../repositories/redis/ended-sessions.ts';
import type { IdempotencyKeys } from '../../repositories/redis/idempotency-keys.ts';
import type { LastRun } from '../../repositories/redis/monitoring/last-runs.ts';
import type { LimitsInUse } from '../../repositories/redis/monitoring/limits-in-use.ts';
import type { NodeRecord } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { PauseMark } from '../../repositories/redis/monitoring/pause-marks.ts';
import type { ProcessNote } from '../../repositories/redis/monitoring/process-notes.ts';
import type { QueueSnapshot } from '../../repositories/redis/monitoring/queue-snapshots.ts';
import type { ServiceRecord } from '../../repositories/redis/monitoring/service-health-store.ts';
import type { DeliveryHour, DeliveryMinute } from '../../repositories/redis/notifications/delivery-counts.ts';
import type { DeadJob, DeadJobs } from '../../runtime/dead-jobs.ts';
import type { Schedule } from '../../runtime/define-task.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { Jobs } from '../../runtime/jobs.ts';
import type { Queues } from '../../runtime/queues.ts';
import type { TaskRegistry } from '../../runtime/registry.ts';
import type { Act } from '../act.ts';
import type { AlertsContext } from '../alerts.ts';
import type { ApprovalsContext } from '../approvals.ts';
import type { BrakesContext } from '../brakes.ts';
import type { BroadcastsContext } from '../broadcasts.ts';
import type { CampaignsContext } from '../campaigns.ts';
import type { RememberedFindings } from '../examination.ts';
import type { HistoryContext } from '../history.ts';
import type { DeskContext, DeskList } from '../payment-desk.ts';
import type { ReceiptsContext } from '../receipts.ts';
import type { ReportsContext } from '../reports.ts';
import type { RunbooksContext } from '../runbooks.ts';
import type { TextsContext } from '../texts.ts';
import type { NamedToken } from './auth/tokens.ts';

/** A message of a Python producer that could not be understood. */
export type DeadMessage = { id: string; kind: 'message'; task: string; failedAt: Date; reason: string };
export type DeadLetter = DeadJob | DeadMessage;

/** The worker's knowledge of one panel user, one sentence per decision. */
export type ExplainedUser = {
  panelUser: string;
  username: string;
  telegramId: number | undefined;
  /** Telegram refuses this chat, as far as it is remembered. */
  isUnreachable: boolean;
  sentences: readonly string[];
};

/** An action and who did it, for `audit_logs`. */
export type AuditedAct = Act & {
  /** `token:` and the name of the token; `signed link` for a download without one. */
  by: string;
  role: ApiRole | undefined;
  address: string;
  /** The `User-Agent` of the request. */
  agent: string | undefined;
  /** SHA-256 of the body, where there was one. */
  payloadDigest: string | undefined;
};

export type OpenExport = {
  fileName: string;
  mediaType: string;
  bytes: number;
  /** Streams these bytes, both ends included. */
  read(from: number, to: number): Promise<Readable>;
};

/** The dependencies of the API and the console. The composition root builds them. */
export type HttpContext = {
  tokens: readonly NamedToken[];
  /** People of the staff's bot, who log in by its links. */
  people: readonly NamedToken[];
  loginLinks: {
    /** The name of the person whose code it is, once. */
    use(code: string): Promise<string | undefined>;
  };
  version: string;
  log: Log;
  clock(): Date;
  /** Cookies travel only over TLS. */
  secureCookies: boolean;
  defaultLocale: 'ru' | 'en';
  /** The zone whose clocks people see, besides UTC. */
  timeZone: string;
  /** The days that reports and figures are of. */
  calendar: Calendar;
  registry: TaskRegistry;
  dispatcher: Dispatcher;
  queues: Queues;
  schedules: ReadonlyMap<string, Schedule>;
  disabledTasks: ReadonlySet<string>;
  /** Schedules that a person has paused. */
  pausedSchedules: {
    /** By task. */
    all(): Promise<ReadonlyMap<string, PauseMark>>;
    /** False where it is paused already. */
    pause(pause: Omit<SchedulePause, 'at'>): Promise<boolean>;
    /** False where it was not paused. Throws `TransientError` where the pause would come back. */
    resume(task: string): Promise<boolean>;
  };
  jobs: Jobs;
  progress: ProgressRecords;
  idempotency: IdempotencyKeys;
  deadJobs: DeadJobs;
  deadMessages: {
    count(): Promise<number>;
    list(limit: number): Promise<readonly DeadMessage[]>;
    /** The message as text; undefined where there is no such message. */
    find(id: string): Promise<(DeadMessage & { message: string }) | undefined>;
    /** False where there is no such message. */
    replay(id: string): Promise<boolean>;
  };
  brakes: BrakesContext['brakes'];
  /** Acts that wait for a second person; they need the same schema as history. */
  approvals: ApprovalsContext;
  /** Tasks whose jobs have their own buttons on the page. */
  buttons: {
    /** Jobs of this task can be paused and resumed, by jobs of the other task. */
    pauses: DefinedTask;
    pausesBy: DefinedTask;
    /** Jobs of this task have the id of the planned broadcast that they send. */
    sends: DefinedTask;
    /** The task of one operation on many users. */
    operates: DefinedTask;
    /** Jobs of this task end with a file. */
    downloads: DefinedTask;
  };
  state: {
    nodes(): Promise<readonly NodeRecord[]>;
    services(): Promise<readonly ServiceRecord[]>;
    alerts(): Promise<readonly ActiveAlert[]>;
    queues(): Promise<QueueSnapshot | undefined>;
    /** The last minutes, this many, oldest first. */
    deliveries(minutes: number): Promise<readonly DeliveryMinute[]>;
    /** The last hours, this many, oldest first. */
    deliveryHours(hours: number): Promise<readonly DeliveryHour[]>;
    lastRuns(): Promise<ReadonlyMap<string, LastRun>>;
    /** Processes that run now, with their circuit breakers. */
    processes(): Promise<readonly ProcessNote[]>;
    limits(): Promise<LimitsInUse & { telegramRate: number; panelConcurrency: number }>;
  };
  /** Answers to alerts. */
  alerts: AlertsContext;
  runbooks: RunbooksContext;
  /** By Telegram id or username; several panel users may share one Telegram id. */
  explainUser(who: string, telling?: { locale: Locale; time(at: Date): string }): Promise<readonly ExplainedUser[]>;
  /** Payments that wait for a person. It writes into `audit_logs` itself, together with the decision. */
  desk: DeskContext;
  /** The first payments that wait for a person, at most a hundred. A large table is read meanwhile: then as they last were. */
  waitingPayments(locale: Locale): Promise<DeskList>;
  /** The queue of messages, as people look at it. */
  outbox: Pick<Outbox, 'list' | 'retry'> &
    Pick<Notifications, 'drop'> & {
      /** As they were a moment ago, where counting takes long. */
      counts(): Promise<OutboxCounts & { asOf: Date }>;
    };
  auditTrail: Pick<AuditTrail, 'search'>;
  reachability: {
    /** Forgets that Telegram refuses this chat: messages are tried again. */
    clear(telegramId: number): Promise<void>;
  };
  reports: ReportsContext;
  /** Sums of the payments of the last `MONEY_DAYS` that are completed, as they were a moment ago where summing takes long. */
  completedMoney(): Promise<{ asOf: Date; sums: Awaited<ReturnType<PaymentStats['completedBetween']>> }>;
  /** A stored export; undefined where it does not exist (any more). `link` is the query of a signed link, which replaces a token. */
  exports?: {
    open(id: string): Promise<OpenExport | undefined>;
    isSigned(id: string, query: Readonly<Record<string, unknown>>): boolean;
  };
  /** Broadcasts that staff plan; they need the same schema as history. */
  broadcasts: BroadcastsContext;
  /** Campaigns that staff make; they need the same schema. */
  campaigns: CampaignsContext;
  /** Texts to customers. Our own schema keeps those that staff write on the page. */
  texts: TextsContext;
  /** The history in our own schema, where that is installed. */
  history: HistoryContext;
  receipts: ReceiptsContext;
  /** What `task-worker doctor` examines, as it was found some seconds ago at most. */
  doctor: RememberedFindings;
  /** The settings by name, without their secret parts. */
  settings: ReadonlyMap<string, string>;
  endedSessions: EndedSessions;
  /**
   * Whether it was written. Never throws: an action that was done must not look failed because it could not be recorded. One that can wait
   * for its record is refused without.
   */
  audit(act: AuditedAct): Promise<boolean>;
};

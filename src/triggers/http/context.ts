import type { Readable } from 'node:stream';
import type { DefinedTask } from '../../lib/defined-task.ts';
import type { Log } from '../../observability/log.ts';
import type { ActiveAlert } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { ProgressRecords } from '../../repositories/redis/bulk/progress-records.ts';
import type { IdempotencyKeys } from '../../repositories/redis/idempotency-keys.ts';
import type { LastRun } from '../../repositories/redis/monitoring/last-runs.ts';
import type { NodeRecord } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { QueueSnapshot } from '../../repositories/redis/monitoring/queue-snapshots.ts';
import type { ServiceRecord } from '../../repositories/redis/monitoring/service-health-store.ts';
import type { DeliveryMinute } from '../../repositories/redis/notifications/delivery-counts.ts';
import type { DeadJob, DeadJobs } from '../../runtime/dead-jobs.ts';
import type { Schedule } from '../../runtime/define-task.ts';
import type { Dispatcher } from '../../runtime/dispatcher.ts';
import type { Jobs } from '../../runtime/jobs.ts';
import type { Queues } from '../../runtime/queues.ts';
import type { TaskRegistry } from '../../runtime/registry.ts';
import type { NamedToken } from './auth/tokens.ts';

/** A message of a Python producer that could not be understood. */
export type DeadMessage = { id: string; kind: 'message'; task: string; failedAt: Date; reason: string };
export type DeadLetter = DeadJob | DeadMessage;

/** Something that is held until an admin decides. */
export type HeldBrake = {
  name: string;
  /** A sentence: what is held and why. */
  held: Readonly<Record<'en' | 'ru', string>>;
  /** Undefined where nobody has noted it. */
  since: Date | undefined;
  /** The words that can be said. */
  decisions: readonly string[];
};

/** What the worker knows about one panel user, one sentence per decision. */
export type ExplainedUser = { panelUser: string; username: string; sentences: readonly string[] };

/** Who did what over this port, for `audit_logs`. */
export type AuditedAction = {
  /** Dotted: `task.dispatched`, `job.cancelled`. */
  action: string;
  entityType: 'task' | 'job' | 'dead_letter' | 'brake' | 'export';
  entityId: string;
  caller: string;
  details?: Readonly<Record<string, unknown>>;
};

export type OpenExport = {
  fileName: string;
  mediaType: string;
  bytes: number;
  /** Streams these bytes, both ends included. */
  read(from: number, to: number): Promise<Readable>;
};

/** What the API and the operations page do their work with. Built by the composition root. */
export type HttpContext = {
  tokens: readonly NamedToken[];
  version: string;
  log: Log;
  clock(): Date;
  /** Cookies go over TLS only. */
  secureCookies: boolean;
  defaultLocale: 'ru' | 'en';
  registry: TaskRegistry;
  dispatcher: Dispatcher;
  queues: Queues;
  schedules: ReadonlyMap<string, Schedule>;
  disabledTasks: ReadonlySet<string>;
  jobs: Jobs;
  progress: ProgressRecords;
  idempotency: IdempotencyKeys;
  deadJobs: DeadJobs;
  deadMessages: {
    count(): Promise<number>;
    list(limit: number): Promise<readonly DeadMessage[]>;
    /** What was sent, as text; undefined where there is no such message. */
    find(id: string): Promise<(DeadMessage & { message: string }) | undefined>;
    /** False where there is no such message. */
    replay(id: string): Promise<boolean>;
  };
  brakes: {
    list(): Promise<readonly HeldBrake[]>;
    /** A sentence that says what was done. Throws for a brake or decision that there is not. */
    confirm(name: string, decision: string): Promise<string>;
  };
  /** Tasks for whose jobs the page has buttons of their own. */
  buttons: {
    /** Its jobs can be paused and resumed, by jobs of the other. */
    pauses: DefinedTask;
    pausesBy: DefinedTask;
    /** Its jobs end with a file. */
    downloads: DefinedTask;
  };
  state: {
    nodes(): Promise<readonly NodeRecord[]>;
    services(): Promise<readonly ServiceRecord[]>;
    alerts(): Promise<readonly ActiveAlert[]>;
    queues(): Promise<QueueSnapshot | undefined>;
    /** The last so many minutes, oldest first. */
    deliveries(minutes: number): Promise<readonly DeliveryMinute[]>;
    lastRuns(): Promise<ReadonlyMap<string, LastRun>>;
  };
  /** By Telegram id or username; several panel users may share one Telegram id. */
  explainUser(who: string): Promise<readonly ExplainedUser[]>;
  /** A stored export; undefined where there is none (any more). `link`: the query of a signed link, instead of a token. */
  exports?: {
    open(id: string): Promise<OpenExport | undefined>;
    isSigned(id: string, query: Readonly<Record<string, unknown>>): boolean;
  };
  /** Never throws: an action that was done must not look failed because it could not be written down. */
  audit(action: AuditedAction): Promise<void>;
};

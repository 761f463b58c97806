import { hostname } from 'node:os';
import { type Config, secretsOf } from '../config.ts';
import { Approvers } from '../domain/brakes/approvers.ts';
import { memoryLimitBytes } from '../domain/monitoring/process-memory.ts';
import type { DefinedTask } from '../lib/defined-task.ts';
import { minutes, seconds } from '../lib/duration.ts';
import type { JobAct } from '../lib/job-act.ts';
import type { RedisClient } from '../lib/redis-client.ts';
import { packageVersion } from '../lib/version.ts';
import { taskFailed } from '../messages/alerts.ts';
import type { ErrorReports } from '../observability/error-reports.ts';
import { type Log, masker, openLog } from '../observability/log.ts';
import { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import { type Database, openDatabase, type PrimaryLoss } from '../repositories/database.ts';
import { Cancellations } from '../repositories/redis/cancellations.ts';
import { connectRedis } from '../repositories/redis/connection.ts';
import { keys } from '../repositories/redis/keys.ts';
import { type LastRun, LastRuns } from '../repositories/redis/monitoring/last-runs.ts';
import type { DepthReaders } from '../repositories/redis/monitoring/queue-snapshots.ts';
import { ScheduleClaims } from '../repositories/redis/schedule-claims.ts';
import type { Middleware } from '../runtime/compose.ts';
import { DeadJobs } from '../runtime/dead-jobs.ts';
import { countJobs } from '../runtime/depths.ts';
import { Dispatcher } from '../runtime/dispatcher.ts';
import { Jobs } from '../runtime/jobs.ts';
import type { Ended, OutcomeListener } from '../runtime/middleware/report-outcome.ts';
import { Queues } from '../runtime/queues.ts';
import { loadTasks, type TaskList, type TaskRegistry } from '../runtime/registry.ts';
import { periodOf } from '../runtime/schedule.ts';
import { schedulesOf } from '../runtime/scheduler.ts';
import type { Services } from '../services.ts';
import { DeadEntries } from '../triggers/taskiq-stream/dead-entries.ts';
import { readLag } from '../triggers/taskiq-stream/lag.ts';
import { errorReportsOf, tracingOf } from './compose-observability.ts';
import { composeServices, type ServicesOptions } from './compose-services.ts';
import { layersFrom } from './onion.ts';

/** One that writes, and one that a person reads by. They open when they are needed and close when they are idle. */
export const HISTORY_CONNECTIONS = 2;
const HISTORY_STATEMENT_MS = seconds(10);

/** The parts that every role and every command share. What takes no jobs and draws no pages may have a list of the tasks without their code. */
export type App<Tasks extends TaskList = TaskRegistry> = {
  config: Config;
  version: string;
  log: Log;
  metrics: Metrics;
  /** Undefined where traces are off. */
  tracing: Tracing | undefined;
  /** Undefined where errors are not reported to a tracker. */
  errorReports: ErrorReports | undefined;
  registry: Tasks;
  disabledTasks: ReadonlySet<string>;
  database: Database;
  /** Fails within seconds while Redis is away: for producers, caches and health checks. */
  redis: RedisClient;
  queues: Queues;
  dispatcher: Dispatcher;
  services: Services;
  /** Parts that are built with the services and that only roles, doors and commands use. */
  parts: Omit<ReturnType<typeof composeServices>, 'services'>;
  /** Who may say the second yes, and above how many touched users it is needed; undefined where never. */
  approving: { approvers: Approvers; above: number | undefined };
  /** Tells running jobs in any process that somebody has cancelled them. */
  cancellations: Cancellations;
  /** Messages that could not be understood, whether or not the intake runs in this process. */
  deadEntries: DeadEntries;
  /** Jobs that have failed permanently, over all queues. */
  deadJobs: DeadJobs;
  /** Single jobs of all queues. */
  jobs: Jobs;
  /** How the latest job of each task ended, over all workers. */
  lastRuns: LastRuns;
  /** Whose schedules hold, where several schedulers run. */
  scheduleClaims: ScheduleClaims;
  /** The onion around every run, outermost first. */
  middleware(listener: OutcomeListener): readonly Middleware[];
};

/**
 * Builds the application without waiting for a dependency; a connection that is down reconnects later. The stack closes everything in
 * reverse order.
 */
export async function buildApp(
  config: Config,
  role: string,
  stack: AsyncDisposableStack,
  options: Pick<ServicesOptions, 'unreadableWaitMs'> = {},
): Promise<App> {
  return await buildAppOn(await loadTasks(), config, role, stack, options);
}

/** The same with the tasks that are given. */
export async function buildAppOn<Tasks extends TaskList>(
  registry: Tasks,
  config: Config,
  role: string,
  stack: AsyncDisposableStack,
  { unreadableWaitMs }: Pick<ServicesOptions, 'unreadableWaitMs'> = {},
): Promise<App<Tasks>> {
  const version = packageVersion();
  const metrics = new Metrics({ version, role });
  const lost = oncePerOutage((err) => log.warn({ err }, 'traces do not reach their collector, spans are dropped'));
  const onLost = (err: Error, spans: number): void => {
    metrics.outputDropped('traces', spans);
    lost(err);
  };
  const tracing = await tracingOf(config, { role, version, onLost });
  // Closed last, so that it sees what ends with the other parts.
  if (tracing) stack.use(tracing);
  const log = openLog({
    level: config.LOG_LEVEL,
    base: { role, version, pid: process.pid },
    secrets: secretsOf(config),
    stream: role === 'cli' ? 'stderr' : 'stdout',
    fields: tracing && (() => tracing.ids()),
    onDropped: (lines) => metrics.outputDropped('log', lines),
  });
  const mask = masker(secretsOf(config));
  const unreported = oncePerOutage((err) => log.warn({ err }, 'errors do not reach their tracker'));
  const onUnreported = (err: Error, reports: number): void => {
    metrics.outputDropped('errors', reports);
    unreported(err);
  };
  const errorReports = await errorReportsOf(config, { role, version, mask, onLost: onUnreported });
  if (errorReports) stack.use(errorReports);
  const disabledTasks = new Set(config.DISABLED_TASKS.map((name) => registry.get(name).task.name));
  metrics.tasksKnown(registry.tasks);
  metrics.memoryLimit(memoryLimitBytes());

  const loss: PrimaryLoss = { at: Number.NEGATIVE_INFINITY };
  const database = openDatabase({
    url: config.DATABASE_URL,
    loss,
    poolSize: config.DB_POOL_SIZE,
    onIdleError: (err) => log.warn({ err }, 'database connection lost, will reconnect'),
    onStatement: tracing && ((statement) => tracing.stated(statement)),
  });
  stack.defer(() => database.destroy());
  const historyDatabase = openDatabase({
    url: config.DATABASE_URL,
    poolSize: HISTORY_CONNECTIONS,
    loss,
    statementLimitMs: HISTORY_STATEMENT_MS,
    onIdleError: (err) => log.debug({ err }, 'database connection of the history lost, will reconnect'),
  });
  stack.defer(() => historyDatabase.destroy());

  const redisIsDown = oncePerOutage((err) => log.warn({ err }, 'redis connection failed, will reconnect'));
  const redis = connectRedis({ url: config.REDIS_URL, name: role, whenDown: 'fail', onError: redisIsDown });
  stack.defer(() => redis.disconnect());
  const queues = stack.use(new Queues(redis, (err) => log.debug({ err }, 'queue connection failed, will reconnect')));
  const dispatcher = new Dispatcher({
    clock: () => parts.foundation.clock.now(),
    registry,
    queues,
    disabledTasks,
    tracing,
  });

  /**
   * Adds one run. While another run is active, the new one waits for its end: the active one may have begun too early to see the change.
   */
  const runSoon = async (task: DefinedTask, initiatedBy: string): Promise<void> => {
    await dispatcher.dispatch(task, {}, { source: 'task', initiatedBy, uniqueKey: task.name, afterActive: true });
  };
  const schedules = schedulesOf({ registry, settings: config, overrides: config.schedules, disabledTasks });
  const cancellations = new Cancellations(redis);
  const deadJobs = new DeadJobs(queues, redis);
  const jobs = new Jobs(registry, queues, cancellations);
  const { services, ...parts } = composeServices({
    ...{ config, database, disabledTasks, log, metrics, redis, tracing, unreadableWaitMs, version },
    depths: depthReaders({ config, queues, redis }),
    history: { historyDatabase, mask },
    engine: {
      async signalDelivery() {
        const { default: deliver } = await import('../tasks/notifications/process-notification-queue.ts');
        await runSoon(deliver, 'alerts');
      },
      actOnJob: (act, jobId, actId) => actOnJob({ deadJobs, jobs }, { act, jobId, actId }),
      canActOnJob: (act, jobId) => canActOnJob({ deadJobs, jobs }, act, jobId),
      rerun: async (name) => {
        if (registry.find(name)?.task.schedule) await runSoon((await registry.load(name)).task, 'brake');
      },
      schedulePeriods: (now) =>
        new Map([...schedules].map(([task, schedule]) => [task, periodOf(schedule, now)] as const)),
    },
  });
  stack.use(parts.foundation.clock);
  stack.use(parts.foundation.telegram);
  if (parts.foundation.staffBot) stack.use(parts.foundation.staffBot);
  stack.use(parts.foundation.unreadable);
  stack.use(parts.foundation.taskOutcomes);
  stack.use(parts.deliveryCounts);
  stack.use(parts.runRecorder);
  stack.use(parts.incidentNotes);
  const { onStored } = parts.foundation.unreadable;
  const lastRuns = stack.use(new LastRuns(redis, (err) => log.debug({ err }, 'last runs not written'), onStored));

  const middleware = (listener: OutcomeListener): readonly Middleware[] =>
    layersFrom({
      ...{ errorReports, metrics, services, tracing },
      note: (attempt) => parts.runRecorder.note(attempt),
      async alert(failure) {
        await services.alerts.raise({
          kind: 'task_failed',
          subject: failure.task,
          at: failure.at,
          severity: failure.critical ? 'critical' : 'warning',
          job: failure.jobId,
          message: (locale) => taskFailed(failure, locale),
        });
      },
      async listener(ended) {
        parts.foundation.taskOutcomes.ended(ended);
        lastRuns.note(ended.task, lastRunOf(ended, parts.foundation.clock.now()));
        await listener(ended);
      },
    });
  return {
    config,
    version,
    log,
    metrics,
    tracing,
    errorReports,
    registry,
    disabledTasks,
    database,
    redis,
    queues,
    dispatcher,
    services,
    parts,
    approving: {
      approvers: new Approvers({ tokens: config.API_TOKENS, accounts: config.ADMIN_TELEGRAM_IDS }),
      above: config.APPROVAL_ABOVE === 'off' ? undefined : config.APPROVAL_ABOVE,
    },
    cancellations,
    deadEntries: new DeadEntries({ redis, stream: config.TASKIQ_STREAM, group: config.TASKIQ_GROUP }),
    deadJobs,
    jobs,
    lastRuns,
    scheduleClaims: new ScheduleClaims(redis, `${hostname()} (${version}, process ${process.pid})`, onStored),
    middleware,
  };
}

/** Does one act to one job. Cancelling one that has ended changes nothing. */
async function actOnJob(
  { deadJobs, jobs }: Pick<App, 'deadJobs' | 'jobs'>,
  { act, actId, jobId }: { act: JobAct; jobId: string; actId: string },
): Promise<boolean> {
  if (act === 'replay') return await deadJobs.replay(jobId, actId);
  if (act === 'discard') return await deadJobs.discard(jobId);
  const cancelled = await jobs.cancel(jobId);
  return cancelled !== undefined && cancelled !== 'ended';
}

/** Whether `actOnJob` would do something. */
async function canActOnJob(
  { deadJobs, jobs }: Pick<App, 'deadJobs' | 'jobs'>,
  act: JobAct,
  jobId: string,
): Promise<boolean> {
  if (act !== 'cancel') return await deadJobs.has(jobId);
  const state = (await jobs.find(jobId))?.state;
  return state !== undefined && state !== 'completed' && state !== 'failed';
}

/** Reads how much waits now: in the queues, in the stream of the Python producers, and among the dead letters. */
function depthReaders({ config, queues, redis }: Pick<App, 'config' | 'queues' | 'redis'>): DepthReaders {
  const { TASKIQ_GROUP: group, TASKIQ_STREAM: stream } = config;
  return {
    queues: () => countJobs(queues),
    async intake() {
      // Before the first message there is no stream, which is no error of Redis.
      if (stream === '' || (await redis.exists(stream)) === 0) return undefined;
      const { entries, ...lag } = await readLag(redis, { stream, group });
      return { unread: entries, ...lag };
    },
    deadMessages: () => redis.xlen(keys.taskiqDead()),
  };
}

/** A server that is away fails many calls; one log line a minute reports it. */
function oncePerOutage(say: (error: Error) => void): (error: Error) => void {
  let quietUntil = 0;
  return (error) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + minutes(1);
    say(error);
  };
}

/** The error is shown to people, so a long one is cut. */
function lastRunOf(ended: Ended, at: Date): LastRun {
  const run = { at, ok: ended.ok, seconds: Math.round(ended.seconds * 1000) / 1000 };
  return ended.ok ? run : { ...run, error: ended.error.slice(0, 500) };
}

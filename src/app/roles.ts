import { hostname } from 'node:os';
import type { Config } from '../config.ts';
import { memoryLimitBytes, ProcessMemoryReporter } from '../domain/monitoring/process-memory.ts';
import { RedisOutageWatch } from '../domain/monitoring/redis-outage.ts';
import { WorkerBeat } from '../domain/monitoring/worker-beat.ts';
import { moduleAt } from '../lib/code-folder.ts';
import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { HeapKeeper } from '../lib/heap-keeper.ts';
import { heapShare } from '../lib/heap-share.ts';
import { loadPart } from '../lib/load-part.ts';
import { processSilent } from '../messages/processes.ts';
import { watchCrashes } from '../observability/crashes.ts';
import { FiredSlotStore } from '../repositories/redis/fired-slot-store.ts';
import { probeRedis } from '../repositories/redis/probe-redis.ts';
import { checkSchema } from '../repositories/schema-check.ts';
import { listTasks, loadTasks, type TaskList, TaskRegistry } from '../runtime/registry.ts';
import { consumeTicks, Scheduler, strayOverrides } from '../runtime/scheduler.ts';
import type { Silence } from '../runtime/supervisor.ts';
import type { HttpContext } from '../triggers/http/context.ts';
import type { HealthChecks } from '../triggers/http/health.ts';
import { startHttp } from '../triggers/http/server.ts';
import type { StaffPoller } from '../triggers/telegram-bot/poller.ts';
import { type App, buildAppOn } from './build-app.ts';
import { alertmanagerWebhook } from './doors/alertmanager-webhook.ts';
import { cryptobotWebhook } from './doors/cryptobot-webhook.ts';
import { startIntake } from './doors/intake.ts';
import { remnawaveWebhook } from './doors/remnawave-webhook.ts';
import { readiness } from './readiness.ts';
import { blockingRedis, DRAIN_MS, processReporter, type StopRequest } from './shared-parts.ts';
import { takeOverFromPython } from './take-over-from-python.ts';

export type Role = 'worker' | 'scheduler' | 'all';

/** A tick takes milliseconds. One that hangs on a Redis that does not answer is taken over when its lock expires. */
const TICKS_STOP_MS = seconds(3);

/** Runs a role until `stop` resolves, then drains and closes everything in reverse order of opening. */
export async function runRole(role: Role, config: Config, stop: StopRequest): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const app = await buildAppOn(await tasksFor(role, config), config, role, stack);
  const { clock } = app.parts.foundation;
  await clock.ask();
  if (app.errorReports) stack.use(watchCrashes(app.errorReports, app.log));
  warnOfDrift(app);
  warnOfStrayOverrides(app);
  const blocking = blockingRedis(app, { name: role, url: config.REDIS_URL }, stack);
  const health: Record<string, HealthChecks[string]> = { ...readiness(app) };
  let render = (): Promise<string> => app.metrics.registry.metrics();
  let takeNoMore = async (): Promise<void> => undefined;

  if (role !== 'worker') {
    const scheduler = new Scheduler({
      ...app,
      connection: blocking,
      settings: config,
      overrides: config.schedules,
      claims: app.scheduleClaims,
      pauses: app.parts.pausedSchedules,
    });
    scheduler.start();
    stack.defer(() => scheduler.stop());
    health.schedules = () => scheduler.check();
    stack.use(
      new RedisOutageWatch({
        ...{ clock: () => clock.now(), log: app.log },
        watch: app.services.serviceWatch,
        ping: () => probeRedis(app.redis),
        async isWanted() {
          const { default: check } = await import('../tasks/monitoring/check-external-services.ts');
          return !app.disabledTasks.has(check.name);
        },
      }),
    );
  }
  stack.use(new ProcessMemoryReporter(app.parts.memoryReports, () => clock.now()));
  stack.use(processReporter(app, role));
  const ticks = consumeTicks({
    ...app,
    connection: blocking,
    firedSlots: new FiredSlotStore(app.redis),
    pauses: app.parts.pausedSchedules,
  });
  stack.defer(() => within(TICKS_STOP_MS, ticks.close()).catch(() => undefined));

  if (role !== 'scheduler') {
    stack.use(await WorkerBeat.start(app.parts.workerTimes, () => clock.now()));
    await takeOverFromPython(app, stack);
    const staffPoller = await staffPollerFor(app);
    if (staffPoller) {
      staffPoller.start();
      stack.defer(() => staffPoller.stop());
      health.staff_bot = async () => staffPoller.check();
    }
    const intake = startIntake(app);
    if (intake) {
      stack.defer(() => intake.stop());
      health.intake = async () => {
        if (!intake.isReading) throw new Error('the TaskIQ stream cannot be read');
      };
    }
    if (hasCode(app) && config.WORKER_CONCURRENCY === 1) {
      const { startRunner } = await import('./run-jobs.ts');
      const runner = await startRunner(app, blocking, stack);
      takeNoMore = () => runner.stop(DRAIN_MS);
      health.queues = () => runner.ready();
    } else {
      const { Supervisor } = await import('../runtime/supervisor.ts');
      const processes = new Supervisor({
        count: config.WORKER_CONCURRENCY,
        module: moduleAt('main'),
        args: ['worker-process'],
        flags: heapShare(memoryLimitBytes(), config.WORKER_CONCURRENCY),
        log: app.log,
        onDied: (signal) => processDied(app, signal),
        onSilent: (silence) => void processIsSilent(app, silence),
      });
      takeNoMore = () => processes.stop(DRAIN_MS);
      stack.defer(takeNoMore);
      await processes.start();
      render = async () => processes.render(await app.metrics.registry.getMetricsAsJSON());
      health.processes = () => processes.check();
    }
  }

  const metrics = { render, basicAuth: config.METRICS_BASIC_AUTH };
  const http = await startHttp({
    port: config.METRICS_PORT,
    host: config.METRICS_HOST,
    health: health satisfies HealthChecks,
    metrics,
    cryptobotWebhook: cryptobotWebhook(app),
    remnawaveWebhook: remnawaveWebhook(app),
    alertmanagerWebhook: alertmanagerWebhook(app, config.ALERTMANAGER_WEBHOOK_SECRET),
    operations: await operationsOf(app),
    trustProxy: config.TRUST_PROXY,
  });
  stack.defer(() => http.close());
  stack.use(new HeapKeeper());
  app.log.info({ address: http.addresses()[0], tasks: app.registry.tasks.length }, `${role} is ready`);
  const reason = await stop;
  // First of all: a job that is taken while doors close would begin in a process that ends.
  void takeNoMore();
  app.log.info({ reason }, `${role} is stopping`);
}

/**
 * The tasks as the role needs them: what runs jobs, or shows tasks to people, has their code. A scheduler and a supervisor load that of a
 * task when a producer or an event first asks for it.
 */
async function tasksFor(role: Role, config: Config): Promise<TaskList> {
  const { ADMIN_BOT_TOKEN, API_TOKENS, WORKER_CONCURRENCY } = config;
  const runsJobs = role !== 'scheduler' && WORKER_CONCURRENCY === 1;
  const showsTasks = API_TOKENS.length > 0 || ADMIN_BOT_TOKEN !== undefined;
  return runsJobs || showsTasks ? await loadTasks() : await listTasks();
}

const hasCode = (app: App<TaskList>): app is App => app.registry instanceof TaskRegistry;

/** The part of the API and the console, which is loaded only where there is a token for them. */
async function operationsOf(app: App<TaskList>): Promise<HttpContext | undefined> {
  if (!hasCode(app) || app.config.API_TOKENS.length === 0) return undefined;
  const { httpContext } = await loadPart('The API and the console', () => import('./doors/http.ts'));
  return httpContext(app);
}

/** The staff's bot, which is loaded only where it has a token. */
async function staffPollerFor(app: App<TaskList>): Promise<StaffPoller | undefined> {
  const { ADMIN_BOT_TOKEN, API_TOKENS } = app.config;
  if (!hasCode(app) || ADMIN_BOT_TOKEN === undefined) return undefined;
  const { staffPollerOf } = await loadPart("The staff's bot", () => import('./doors/staff-bot.ts'));
  return staffPollerOf(app, API_TOKENS.length > 0);
}

/**
 * Reports a process that was killed, by hand or for its memory, because it could not do so itself. A process that crashed has reported
 * itself.
 */
function processDied({ errorReports, metrics }: App<TaskList>, signal: NodeJS.Signals | null): void {
  metrics.processDied(signal);
  if (signal === null) return;
  errorReports?.report({ error: undefined, group: ['worker process died', signal], level: 'fatal', ids: {} });
}

/** Tells the admins of a process that hangs, which cannot do so itself. */
async function processIsSilent({ parts, services }: App<TaskList>, silence: Silence): Promise<void> {
  await services.alerts.raise({
    kind: 'worker_process_silent',
    subject: `${hostname()}:${silence.pid}`,
    at: parts.foundation.clock.now(),
    severity: 'critical',
    message: (locale) => processSilent({ ...silence, host: hostname() }, locale),
  });
}

/** Logs a drifted schema and does not stop the start, because most tasks may still work. */
function warnOfDrift(app: App<TaskList>): void {
  checkSchema(app.database).then(
    (drifts) => {
      for (const { problem, severity } of drifts)
        app.log.warn({ severity, problem }, 'the database differs from what queries expect');
    },
    (err: unknown) => app.log.warn({ err }, 'the database schema could not be checked'),
  );
}

/**
 * Logs overrides that name no task and does not stop the start: they may be a newer version's, or another program's that shares the
 * environment.
 */
function warnOfStrayOverrides({ config, log, registry }: App<TaskList>): void {
  for (const { meant, task } of strayOverrides({ overrides: config.schedules, registry }))
    log.warn({ variable: `SCHEDULE_${task.toUpperCase()}`, meant }, 'a schedule is set for a task that there is not');
}

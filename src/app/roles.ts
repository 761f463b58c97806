import { hostname } from 'node:os';
import type { Config } from '../config.ts';
import { ProcessMemoryReporter } from '../domain/monitoring/process-memory.ts';
import { ProcessReporter } from '../domain/monitoring/process-reporter.ts';
import { RedisOutageWatch } from '../domain/monitoring/redis-outage.ts';
import { WorkerBeat } from '../domain/monitoring/worker-beat.ts';
import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { processSilent } from '../messages/processes.ts';
import { watchCrashes } from '../observability/crashes.ts';
import { connectRedis } from '../repositories/redis/connection.ts';
import { FiredSlotStore } from '../repositories/redis/fired-slot-store.ts';
import { probeRedis } from '../repositories/redis/probe-redis.ts';
import { checkSchema } from '../repositories/schema-check.ts';
import { CancelledError } from '../runtime/outcome.ts';
import { Runner } from '../runtime/runner.ts';
import { consumeTicks, Scheduler, strayOverrides } from '../runtime/scheduler.ts';
import { type FromWorker, type Silence, Supervisor, type ToWorker } from '../runtime/supervisor.ts';
import checkExternalServices from '../tasks/monitoring/check-external-services.ts';
import type { HealthChecks } from '../triggers/http/health.ts';
import { startHttp } from '../triggers/http/server.ts';
import { type App, buildApp } from './build-app.ts';
import { alertmanagerWebhook } from './doors/alertmanager-webhook.ts';
import { cryptobotWebhook } from './doors/cryptobot-webhook.ts';
import { httpContext } from './doors/http.ts';
import { resultListener, startIntake } from './doors/intake.ts';
import { remnawaveWebhook } from './doors/remnawave-webhook.ts';
import { staffPollerOf } from './doors/staff-bot.ts';
import { readiness } from './readiness.ts';
import { takeOverFromPython } from './take-over-from-python.ts';

export type Role = 'worker' | 'scheduler' | 'all';

/** Running jobs may finish for this long after SIGTERM; then they go back to their queues. */
const DRAIN_MS = seconds(10);

/** A tick takes milliseconds. One that hangs on a Redis that does not answer is taken over when its lock expires. */
const TICKS_STOP_MS = seconds(3);

/** A cancellation that was told but not heard is found after this. */
const CANCELLED_LOOK_MS = seconds(5);

/** Stops a role from outside: resolves once, with the reason. */
export type StopRequest = Promise<string>;

/** Runs a role until `stop` resolves, then drains and closes everything in reverse order of opening. */
export async function runRole(role: Role, config: Config, stop: StopRequest): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const app = await buildApp(config, role, stack);
  const { clock } = app.parts.foundation;
  await clock.ask();
  if (app.errorReports) stack.use(watchCrashes(app.errorReports, app.log));
  warnOfDrift(app);
  warnOfStrayOverrides(app);
  const blocking = blockingRedis(app, role, stack);
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
    if (!app.disabledTasks.has(checkExternalServices.name)) {
      stack.use(
        new RedisOutageWatch({
          ...{ clock: () => clock.now(), log: app.log },
          watch: app.services.serviceWatch,
          ping: () => probeRedis(app.redis),
        }),
      );
    }
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
    const staffPoller = staffPollerOf(app);
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
    if (config.WORKER_CONCURRENCY === 1) {
      const runner = await startRunner(app, blocking, stack);
      takeNoMore = () => runner.stop(DRAIN_MS);
      health.queues = () => runner.ready();
    } else {
      const processes = new Supervisor({
        count: config.WORKER_CONCURRENCY,
        module: new URL('../main.ts', import.meta.url),
        args: ['worker-process'],
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
    alertmanagerWebhook: alertmanagerWebhook(app),
    operations: httpContext(app),
    trustProxy: config.TRUST_PROXY,
  });
  stack.defer(() => http.close());
  app.log.info({ address: http.addresses()[0], tasks: app.registry.tasks.length }, `${role} is ready`);
  const reason = await stop;
  // First of all: a job that is taken while doors close would begin in a process that ends.
  void takeNoMore();
  app.log.info({ reason }, `${role} is stopping`);
}

/** Runs one of several worker processes, which takes jobs, answers its supervisor, and ends with it. */
export async function runWorkerProcess(config: Config, stop: StopRequest): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const app = await buildApp(config, 'worker-process', stack);
  if (app.errorReports) stack.use(watchCrashes(app.errorReports, app.log));
  const runner = await startRunner(app, blockingRedis(app, 'worker-process', stack), stack);

  const { foundation, memoryReports } = app.parts;
  stack.use(new ProcessMemoryReporter(memoryReports, () => foundation.clock.now()));
  stack.use(processReporter(app, 'worker process'));

  const { promise: told, resolve: stopNow } = Promise.withResolvers<string>();
  const send = (message: FromWorker): void => {
    process.send?.(message);
  };
  const listen = (message: ToWorker): void => {
    if (message.kind === 'stop') stopNow('supervisor asked');
    else if (message.kind === 'ping') send({ kind: 'pong' });
    else
      void app.metrics.registry
        .getMetricsAsJSON()
        .then((series) => send({ kind: 'metrics', id: message.id, metrics: series }));
  };
  process.on('message', listen);
  process.once('disconnect', () => stopNow('supervisor is gone'));
  stack.defer(() => void process.off('message', listen));

  // Ready means started, not connected: even if Redis is down at the start, the supervisor's own port must open.
  send({ kind: 'ready' });
  const reason = await Promise.race([stop, told]);
  void runner.stop(DRAIN_MS);
  app.log.info({ reason }, 'worker process is stopping');
  stack.defer(() => {
    if (process.connected) process.disconnect();
  });
}

const processReporter = ({ parts: { foundation }, version }: App, role: string): ProcessReporter => {
  const { breakers, clock, processNotes: notes } = foundation;
  return new ProcessReporter({ breakers, notes, role, version, clock: () => clock.now() });
};

/**
 * Reports a process that was killed, by hand or for its memory, because it could not do so itself. A process that crashed has reported
 * itself.
 */
function processDied({ errorReports, metrics }: App, signal: NodeJS.Signals | null): void {
  metrics.processDied(signal);
  if (signal === null) return;
  errorReports?.report({ error: undefined, group: ['worker process died', signal], level: 'fatal', ids: {} });
}

/** Tells the admins of a process that hangs, which cannot do so itself. */
async function processIsSilent({ parts, services }: App, silence: Silence): Promise<void> {
  await services.alerts.raise({
    kind: 'worker_process_silent',
    subject: `${hostname()}:${silence.pid}`,
    at: parts.foundation.clock.now(),
    severity: 'critical',
    message: (locale) => processSilent({ ...silence, host: hostname() }, locale),
  });
}

/** Logs a drifted schema and does not stop the start, because most tasks may still work. */
function warnOfDrift(app: App): void {
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
function warnOfStrayOverrides({ config, log, registry }: App): void {
  for (const { meant, task } of strayOverrides({ overrides: config.schedules, registry }))
    log.warn({ variable: `SCHEDULE_${task.toUpperCase()}`, meant }, 'a schedule is set for a task that there is not');
}

/** Takes jobs until the stack ends, and ends those that somebody cancels meanwhile. */
async function startRunner(
  app: App,
  connection: ReturnType<typeof connectRedis>,
  stack: AsyncDisposableStack,
): Promise<Runner> {
  const { cancellations } = app;
  const { clock } = app.parts.foundation;
  await clock.ask();
  const runner = new Runner({
    ...app,
    connection,
    middleware: app.middleware(resultListener(app)),
    concurrency: app.config.TASK_CONCURRENCY,
    resultTtlSeconds: app.config.RESULT_TTL_SECONDS,
    clock: () => clock.now(),
    wasCancelled: (jobId) => cancellations.take(jobId),
  });
  stack.defer(() => runner.stop(DRAIN_MS));
  stack.use(
    cancellations.listen(
      (jobId) => runner.cancel(jobId, new CancelledError(jobId)),
      (err) => app.log.debug({ err }, 'cancellations not heard, will reconnect'),
    ),
  );
  const endCancelled = async (): Promise<void> => {
    for (const jobId of await cancellations.among(runner.running)) runner.cancel(jobId, new CancelledError(jobId));
  };
  const timer = setInterval(() => void endCancelled().catch(() => undefined), CANCELLED_LOOK_MS).unref();
  stack.defer(() => clearInterval(timer));
  return runner;
}

function blockingRedis(app: App, name: string, stack: AsyncDisposableStack): ReturnType<typeof connectRedis> {
  const onError = (err: Error): void => app.log.debug({ err }, 'redis connection failed, will reconnect');
  const redis = connectRedis({ url: app.config.REDIS_URL, name: `${name}:jobs`, whenDown: 'wait', onError });
  stack.defer(() => redis.disconnect());
  return redis;
}

import type { Config } from '../config.ts';
import { ProcessMemoryReporter } from '../domain/monitoring/process-memory.ts';
import { seconds } from '../lib/duration.ts';
import { HeapKeeper } from '../lib/heap-keeper.ts';
import { watchCrashes } from '../observability/crashes.ts';
import { CancelledError } from '../runtime/outcome.ts';
import { Runner } from '../runtime/runner.ts';
import type { FromWorker, ToWorker } from '../runtime/supervisor.ts';
import { type App, buildApp } from './build-app.ts';
import { resultListener } from './doors/intake.ts';
import { blockingRedis, DRAIN_MS, processReporter, type StopRequest } from './shared-parts.ts';

/** A cancellation that was told but not heard is found after this. */
const CANCELLED_LOOK_MS = seconds(5);

/** Runs one of several worker processes, which takes jobs, answers its supervisor, and ends with it. */
export async function runWorkerProcess(config: Config, stop: StopRequest): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const app = await buildApp(config, 'worker-process', stack);
  if (app.errorReports) stack.use(watchCrashes(app.errorReports, app.log));
  const runner = await startRunner(
    app,
    blockingRedis(app, { name: 'worker-process', url: config.REDIS_URL }, stack),
    stack,
  );

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

  stack.use(new HeapKeeper());
  // Ready means started, not connected: even if Redis is down at the start, the supervisor's own port must open.
  send({ kind: 'ready' });
  const reason = await Promise.race([stop, told]);
  void runner.stop(DRAIN_MS);
  app.log.info({ reason }, 'worker process is stopping');
  stack.defer(() => {
    if (process.connected) process.disconnect();
  });
}

/** Takes jobs until the stack ends, and ends those that somebody cancels meanwhile. */
export async function startRunner(
  app: App,
  connection: ReturnType<typeof blockingRedis>,
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

import { minutes, seconds } from '../../lib/duration.ts';
import type { Log } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Ended, OutcomeListener } from '../../runtime/middleware/report-outcome.ts';
import type { TaskList } from '../../runtime/registry.ts';
import { TaskiqConsumer } from '../../triggers/taskiq-stream/consumer.ts';
import { takeoverTimes } from '../../triggers/taskiq-stream/consumer-times.ts';
import { dispatchOptionsOf } from '../../triggers/taskiq-stream/dispatch-options.ts';
import type { HandOver, IntakeObserver } from '../../triggers/taskiq-stream/hand-over.ts';
import { PayloadReader } from '../../triggers/taskiq-stream/payload.ts';
import { TaskiqResults } from '../../triggers/taskiq-stream/results.ts';
import type { App } from '../build-app.ts';

/** Starts reading the Python producers' stream; undefined where the intake is switched off. */
export function startIntake(app: App<TaskList>): TaskiqConsumer | undefined {
  const { config, log, metrics, redis } = app;
  if (config.TASKIQ_STREAM === '') return undefined;
  const consumer = new TaskiqConsumer({
    clock: () => app.parts.foundation.clock.now(),
    redis,
    stream: config.TASKIQ_STREAM,
    group: config.TASKIQ_GROUP,
    handOver: handOverTo(app),
    deadEntries: app.deadEntries,
    results: resultsOf(app),
    observer: observe(metrics, log),
    times: takeoverTimes(seconds(config.TASKIQ_TAKEOVER_SECONDS)),
    ...(config.TASKIQ_FORWARD_STREAM && { forwardStream: config.TASKIQ_FORWARD_STREAM }),
  });
  consumer.start();
  return consumer;
}

/** Stores the result of every job that came as a TaskIQ message, under the id that its producer waits for. */
export function resultListener(app: Pick<App, 'config' | 'log' | 'redis'>): OutcomeListener {
  const results = resultsOf(app);
  return async (ended) => {
    const { taskiq } = ended.job.data;
    if (!taskiq) return;
    const outcome = { labels: taskiq.labels, executionMs: ended.seconds * 1000, ...resultOf(ended) };
    // A producer that waits in vain times out; the job must not run again for that.
    await results
      .storeInsistently(taskiq.taskId, outcome)
      .catch((err: unknown) => app.log.warn({ err, job_id: ended.jobId }, 'result not stored for its producer'));
  };
}

function resultsOf({ config, redis }: Pick<App, 'config' | 'redis'>): TaskiqResults {
  return new TaskiqResults({ redis, format: config.TASKIQ_RESULT_FORMAT, ttlSeconds: config.RESULT_TTL_SECONDS });
}

function resultOf(ended: Ended): { returnValue: unknown } | { error: { name: string; message: string } } {
  return ended.ok ? { returnValue: ended.result } : { error: { name: ended.code, message: ended.error } };
}

/** A log line names so many fields. Their values are never logged. */
const FIELDS_SHOWN = 20;

/** Turns a message into a job. */
function handOverTo({ dispatcher, log, registry }: App<TaskList>): HandOver {
  const payloads = new PayloadReader();
  return async (message, options, sentAt) => {
    const { task } = await registry.load(message.taskName);
    const read = payloads.read(task, message);
    const payload = options.dryRun ? { ...read, dry_run: true } : read;
    const asked = dispatchOptionsOf(message, options, sentAt);
    const { ignored, jobId } = await dispatcher.dispatchNamed(message.taskName, payload, asked);
    if (ignored.length > 0)
      log.warn(
        { task: task.name, job_id: jobId, fields: ignored.slice(0, FIELDS_SHOWN), count: ignored.length },
        'a producer sent fields that the task does not have; they were ignored',
      );
  };
}

function observe(metrics: Metrics, log: Log): IntakeObserver {
  const isFirst = oncePerMinute();
  return {
    accepted: () => metrics.intakeMessage('accepted'),
    forwarded: () => metrics.intakeMessage('forwarded'),
    dead(reason, entry, detail) {
      metrics.intakeMessage(reason);
      log.warn({ reason, entry, detail }, 'message of a producer went to the dead letters');
    },
    // The first of a minute is a warning: during an outage each entry fails.
    problem: (what, err) => log[isFirst(what) ? 'warn' : 'debug']({ err, what }, 'intake failed, will try again'),
  };
}

/** True for each kind of work once a minute. */
function oncePerMinute(): (what: string) => boolean {
  const saidAt = new Map<string, number>();
  return (what) => {
    const now = performance.now();
    if (now - (saidAt.get(what) ?? Number.NEGATIVE_INFINITY) < minutes(1)) return false;
    saidAt.set(what, now);
    return true;
  };
}

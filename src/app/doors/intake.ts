import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import { isServerAway } from '../../lib/server-away.ts';
import type { Log } from '../../observability/log.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { QUEUES, type QueueName } from '../../runtime/define-task.ts';
import type { DispatchOptions } from '../../runtime/dispatcher.ts';
import type { Ended, OutcomeListener } from '../../runtime/middleware/report-outcome.ts';
import { TaskiqConsumer } from '../../triggers/taskiq-stream/consumer.ts';
import { type ConsumerTimes, TIMES } from '../../triggers/taskiq-stream/consumer-times.ts';
import { DeadEntries } from '../../triggers/taskiq-stream/dead-entries.ts';
import type { HandOver, IntakeObserver } from '../../triggers/taskiq-stream/hand-over.ts';
import type { MessageOptions } from '../../triggers/taskiq-stream/labels.ts';
import { jobIdOf, type TaskiqMessage } from '../../triggers/taskiq-stream/message.ts';
import { PayloadReader } from '../../triggers/taskiq-stream/payload.ts';
import { TaskiqResults } from '../../triggers/taskiq-stream/results.ts';
import { NAMED_RETRY_DELAYS } from '../../triggers/taskiq-stream/retry-policies.ts';
import type { App } from '../build-app.ts';

/** When a result that Redis did not take is stored again. */
const STORE_AGAIN_AFTER_MS = [seconds(1), seconds(2), seconds(4), seconds(8), seconds(15)] as const;

/** Starts reading the Python producers' stream; undefined where the intake is switched off. */
export function startIntake(app: App): TaskiqConsumer | undefined {
  const { config, log, metrics, redis } = app;
  if (config.TASKIQ_STREAM === '') return undefined;
  const consumer = new TaskiqConsumer({
    redis,
    stream: config.TASKIQ_STREAM,
    group: config.TASKIQ_GROUP,
    handOver: handOverTo(app),
    deadEntries: deadEntriesOf(app),
    results: resultsOf(app),
    observer: observe(metrics, log),
    times: takeoverTimes(seconds(config.TASKIQ_TAKEOVER_SECONDS)),
    ...(config.TASKIQ_FORWARD_STREAM && { forwardStream: config.TASKIQ_FORWARD_STREAM }),
  });
  consumer.start();
  return consumer;
}

/** A living consumer asks every two seconds. Looking is rarer where taking over is. */
function takeoverTimes(silenceMs: number): Partial<ConsumerTimes> {
  const housekeepingMs = Math.min(TIMES.housekeepingMs, silenceMs / 2);
  return { claimIdleMs: silenceMs, respectLockMs: silenceMs, housekeepingMs };
}

/** The messages that could not be understood, whether or not the intake runs here. */
export function deadEntriesOf({ config, redis }: App): DeadEntries {
  return new DeadEntries({ redis, stream: config.TASKIQ_STREAM, group: config.TASKIQ_GROUP });
}

/** Stores the result of every job that came as a TaskIQ message, under the id its producer waits for. */
export function resultListener(app: App): OutcomeListener {
  const results = resultsOf(app);
  return async (ended) => {
    const { taskiq } = ended.job.data;
    if (!taskiq) return;
    const outcome = { labels: taskiq.labels, executionMs: ended.seconds * 1000, ...resultOf(ended) };
    const store = (): Promise<void> => results.store(taskiq.taskId, outcome);
    // A producer that waits in vain times out by itself; the job must not be run again for that.
    await insistently(store).catch((err: unknown) =>
      app.log.warn({ err, job_id: ended.jobId }, 'result not stored for its producer'),
    );
  };
}

/** While Redis is away, for half a minute: until it is back the job can not end either. Rejects as the last try did. */
async function insistently(act: () => Promise<void>): Promise<void> {
  for (const waitMs of STORE_AGAIN_AFTER_MS) {
    try {
      return await act();
    } catch (error) {
      if (!isServerAway(error)) throw error;
      await sleep(waitMs);
    }
  }
  await act();
}

function resultsOf({ config, redis }: App): TaskiqResults {
  return new TaskiqResults({ redis, format: config.TASKIQ_RESULT_FORMAT, ttlSeconds: config.RESULT_TTL_SECONDS });
}

function resultOf(ended: Ended): { returnValue: unknown } | { error: { name: string; message: string } } {
  return ended.ok ? { returnValue: ended.result } : { error: { name: ended.code, message: ended.error } };
}

/** A message becomes a job under its own task id, so that a second delivery adds nothing. */
function handOverTo({ dispatcher, registry }: App): HandOver {
  const payloads = new PayloadReader();
  return async (message, options, sentAt) => {
    const { task } = registry.get(message.taskName);
    await dispatcher.dispatchNamed(message.taskName, payloads.read(task, message), {
      source: 'taskiq',
      initiatedBy: 'taskiq',
      jobId: jobIdOf(message.taskId),
      createdAt: sentAt,
      taskiq: { taskId: message.taskId, labels: message.labels },
      ...asked(message, options),
    });
  };
}

/** What the labels ask for, in the dispatcher's words. A queue or retry policy that we do not have asks for nothing. */
function asked(message: TaskiqMessage, options: MessageOptions): Partial<DispatchOptions> {
  const { delayMs, maxRetries, priority, retryPolicy, timeoutMs } = options;
  const queue = QUEUES.find((name): name is QueueName => name === options.queue);
  const named = retryPolicy === undefined ? undefined : NAMED_RETRY_DELAYS[retryPolicy];
  const { traceparent } = message.labels;
  const delaysMs = maxRetries === undefined ? named : named?.slice(0, maxRetries);
  return {
    correlationId: message.taskId,
    ...(queue && { queue }),
    ...(delaysMs && { delaysMs }),
    ...(delayMs !== undefined && { delayMs }),
    ...(priority !== undefined && { priority }),
    ...(timeoutMs !== undefined && { timeLimitMs: timeoutMs }),
    ...(typeof traceparent === 'string' && { traceparent }),
  };
}

function observe(metrics: Metrics, log: Log): IntakeObserver {
  return {
    accepted: () => metrics.intakeMessage('accepted'),
    forwarded: () => metrics.intakeMessage('forwarded'),
    dead(reason, entry, detail) {
      metrics.intakeMessage(reason);
      log.warn({ reason, entry, detail }, 'message of a producer went to the dead letters');
    },
    problem: (what, err) => log.debug({ err, what }, 'intake failed, will try again'),
  };
}

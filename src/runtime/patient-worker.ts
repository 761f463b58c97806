import { createRedisBackend, type Processor, type RedisQueueBackend, Worker, type WorkerOptions } from 'bullmq';
import { seconds } from '../lib/duration.ts';
import { GrowingPause } from '../lib/growing-pause.ts';
import { isServerAway } from '../lib/server-away.ts';

/** Short enough that a queue is read within seconds of the end of an outage, long enough that an outage costs nothing. */
const PAUSE = { firstMs: seconds(0.25), atMostMs: seconds(2) };

/**
 * Completed jobs that nobody keeps any longer are removed by the next that completes; of those that complete within 5 ms of such a removal,
 * by each 64th: under load, to look for them at each completion costs Redis a tenth of all that it does for a short job.
 */
const SWEEP = { everyMs: 5, everyJobs: 64 };

/**
 * BullMQ's worker, with a pause after each error reply of Redis. BullMQ itself pauses on lost connections only: it asks again at once where
 * Redis is full, read-only, or refuses a command to this user, and keeps a processor core and the log busy (`docs/upstream/`). How a job
 * ended, and the next slot of a schedule, are written again until Redis takes them, so that an outage makes no success a failure and ends no
 * schedule.
 */
export class PatientWorker<Data, Result> extends Worker<Data, Result> {
  constructor(name: string, processor: Processor<Data, Result>, options: WorkerOptions) {
    const closing = new AbortController();
    super(name, processor, options, (...args) => patient(createRedisBackend(...args), closing.signal));
    this.on('closing', () => closing.abort());
  }
}

type Call<Args extends unknown[], Answer> = (...args: Args) => Promise<Answer>;

function patient(backend: RedisQueueBackend, closing: AbortSignal): RedisQueueBackend {
  const pause = new GrowingPause(PAUSE);
  const paced =
    <Args extends unknown[], Answer>(call: Call<Args, Answer>): Call<Args, Answer> =>
    async (...args) => {
      try {
        const answer = await call.apply(backend, args);
        pause.reset();
        return answer;
      } catch (error) {
        await pause.wait(closing);
        throw error;
      }
    };
  const insistent =
    <Args extends unknown[], Answer>(call: Call<Args, Answer>, isOutage: typeof isServerAway): Call<Args, Answer> =>
    async (...args) => {
      const attempt = paced(call);
      for (;;) {
        try {
          return await attempt(...args);
        } catch (error) {
          if (closing.aborted || !isOutage(error)) throw error;
          backend.emit('error', error);
        }
      }
    };
  const wait = paced(backend.waitForJob);
  return Object.assign(backend, {
    // A wait that fails is over, and the queue is looked at: after an error, BullMQ would wait for up to 10 s more before it looks.
    async waitForJob(blockTimeout: number) {
      try {
        return await wait(blockTimeout);
      } catch (error) {
        if (closing.aborted) throw error;
        backend.emit('error', error);
        await backend.reconnectBlocking();
        return null;
      }
    },
    // The loop goes on with the next call at once after any error.
    moveToActive: insistent(backend.moveToActive, () => true),
    moveToCompleted: sweptSometimes(
      insistent(backend.moveToCompleted, isServerAway) as RedisQueueBackend['moveToCompleted'],
    ),
    moveToFailed: insistent(backend.moveToFailed, isServerAway) as RedisQueueBackend['moveToFailed'],
    moveToDelayed: insistent(backend.moveToDelayed, isServerAway),
    moveJobFromActiveToWait: insistent(backend.moveJobFromActiveToWait, isServerAway),
    retryJob: insistent(backend.retryJob, isServerAway),
    addJobScheduler: insistent(backend.addJobScheduler, isServerAway),
    updateJobSchedulerNextMillis: insistent(backend.updateJobSchedulerNextMillis, isServerAway),
  });
}

/** Passes on what a job says of its own end; of the others, most leave the removal of older ones to a later one. */
function sweptSometimes(complete: RedisQueueBackend['moveToCompleted']): RedisQueueBackend['moveToCompleted'] {
  let sweptAt = Number.NEGATIVE_INFINITY;
  let completed = 0;
  return (job, value, shouldRemove, ...rest) => {
    completed += 1;
    const now = performance.now();
    const isDue = completed >= SWEEP.everyJobs || now - sweptAt >= SWEEP.everyMs;
    if (isDue) {
      completed = 0;
      sweptAt = now;
    }
    return complete(job, value, shouldRemove ?? (isDue ? undefined : false), ...rest);
  };
}

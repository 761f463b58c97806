import { createRedisBackend, type Processor, type RedisQueueBackend, Worker, type WorkerOptions } from 'bullmq';
import { seconds } from '../lib/duration.ts';
import { GrowingPause } from '../lib/growing-pause.ts';
import { isServerAway } from '../lib/server-away.ts';

/** Short enough that a queue is read within 10 s of the end of an outage, long enough that an outage costs nothing. */
const PAUSE = { firstMs: seconds(0.25), atMostMs: seconds(4) };

/**
 * BullMQ's worker, with a pause after each error reply of Redis. BullMQ itself pauses on lost connections only: it asks again at once where
 * Redis is full, read-only, or refuses a command to this user, and keeps a processor core and the log busy (`docs/upstream/`). How a job
 * ended is written again until Redis takes it, so that an outage does not make a success a failure.
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
  return Object.assign(backend, {
    // BullMQ connects the blocking connection anew after an error, so it is told of each.
    waitForJob: paced(backend.waitForJob),
    // The loop goes on with the next call at once after any error.
    moveToActive: insistent(backend.moveToActive, () => true),
    moveToCompleted: insistent(backend.moveToCompleted, isServerAway) as RedisQueueBackend['moveToCompleted'],
    moveToFailed: insistent(backend.moveToFailed, isServerAway) as RedisQueueBackend['moveToFailed'],
    moveToDelayed: insistent(backend.moveToDelayed, isServerAway),
    moveJobFromActiveToWait: insistent(backend.moveJobFromActiveToWait, isServerAway),
    retryJob: insistent(backend.retryJob, isServerAway),
  });
}

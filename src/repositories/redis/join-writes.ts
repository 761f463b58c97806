import type { Redis } from 'ioredis';

/** So many commands go out together at most: Redis works on them while the worker goes on with the next jobs. */
const MOST = 8;

/**
 * Hands the commands that a worker sends one after the other to the system in one call. It sends one for each job that ended, and jobs end
 * together, as their answers come together: a system call for each, here and in Redis, would be a good part of what a short task costs.
 * Every command stays one of its own, with its own answer, redirection and error, which a pipeline's are not. None waits longer than for the
 * code that runs at this moment.
 */
export function joinWrites(redis: Redis): Redis {
  redis.on('connect', () => {
    const { stream } = redis;
    const write = stream.write.bind(stream) as (chunk: string | Uint8Array) => boolean;
    let joined = 0;
    let isPlanned = false;
    const send = (): void => {
      joined = 0;
      stream.uncork();
    };
    const sendRest = (): void => {
      isPlanned = false;
      if (joined > 0) send();
    };
    stream.write = (chunk: string | Uint8Array): boolean => {
      if (joined === 0) stream.cork();
      if (!isPlanned) {
        isPlanned = true;
        process.nextTick(sendRest);
      }
      joined += 1;
      const isBelowMark = write(chunk);
      if (joined === MOST) send();
      return isBelowMark;
    };
  });
  return redis;
}

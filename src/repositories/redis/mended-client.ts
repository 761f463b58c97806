import type { Redis } from 'ioredis';
import { OLDEST_INFO } from '../../lib/redis-client.ts';

/** The answer to `INFO` where the user may not ask. */
const REFUSED_INFO = `${OLDEST_INFO}info_refused:1\r\n`;

type Answered = (error: Error | null, info?: string) => void;

/**
 * Mends two faults of ioredis in a connection and in each copy of it. A user may lack the right to `INFO`, which ACLs count among the dangerous
 * commands: ioredis asks for it on each connect and prints a warning, and BullMQ never begins where it is refused. And a server that ceases
 * to be the master refuses a whole batch: ioredis ends the socket once for each command, and Node warns of a leak at the eleventh.
 */
export function mended(redis: Redis): Redis {
  const info = redis.info.bind(redis) as (...args: string[]) => Promise<string>;
  const duplicate = redis.duplicate.bind(redis);
  const ask = (...args: (string | Answered)[]): Promise<string> => {
    const answered = typeof args.at(-1) === 'function' ? (args.pop() as Answered) : undefined;
    const answer = info(...(args as string[])).catch((error: Error) => {
      if (error.message.startsWith('NOPERM')) return REFUSED_INFO;
      throw error;
    });
    if (answered) answer.then((text) => answered(null, text), answered);
    return answer;
  };
  const disconnect = redis.disconnect.bind(redis);
  return Object.assign(redis, {
    info: ask as Redis['info'],
    disconnect(reconnect = false) {
      const isEnding = redis.stream?.writableEnded === true;
      if (!reconnect || !isEnding) disconnect(reconnect);
    },
    duplicate: (options?: Parameters<typeof duplicate>[0]) => mended(duplicate(options)),
  });
}

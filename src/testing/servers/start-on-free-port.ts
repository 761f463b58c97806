import { freePort } from './free-port.ts';
import { ServerStartError } from './server-process.ts';

/** Two parties picking the same of 17,000 ports this often in a row is no accident. */
const TRIES = 10;

/**
 * Calls `start` with `wanted`, or with free ports until one is not snatched away by somebody else in between.
 * An asked-for port is tried once: the caller wants that one or an error.
 */
export async function startOnFreePort<T>(wanted: number | undefined, start: (port: number) => Promise<T>): Promise<T> {
  if (wanted !== undefined) return await start(wanted);
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      const taken = error instanceof ServerStartError && /address already in use/i.test(error.log);
      if (!taken || attempt === TRIES) throw error;
    }
  }
}

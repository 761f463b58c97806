import { freePort } from './free-port.ts';
import { ServerStartError } from './server-process.ts';

/** Two processes that pick the same of 17,000 ports this often in a row do not do so by chance. */
const TRIES = 10;

/** Calls `start` with `wanted`, or with free ports until no other process takes the port first. A wanted port is tried once. */
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

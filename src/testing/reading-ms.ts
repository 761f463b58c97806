const HALF_MB = 524_288;
const TRIES = 10;

/**
 * Milliseconds that this machine needs, now, to read 8 MB of plain JSON: to look once at each byte, to decode and to parse it. It is the
 * measure for work on large inputs: a bar in milliseconds says as much about the machine as about the code.
 */
export async function readingMs(): Promise<number> {
  const bytes = Buffer.from(`[${Array(8 * HALF_MB - 1).fill('1')}]`);
  return await leastMsOf(TRIES, async () => {
    const { length } = JSON.parse(bytes.toString()) as unknown[];
    if (length !== commasIn(bytes) + 1) throw new Error('a list of JSON has a comma between each two entries');
  });
}

/** Milliseconds on a processor of this thread, of the cheapest of so many tries: a garbage collection comes now and then. */
export async function leastMsOf(tries: number, work: () => Promise<unknown>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < tries; n += 1) {
    const before = process.threadCpuUsage();
    await work();
    const { system, user } = process.threadCpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

function commasIn(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i += 1) if (bytes[i] === 0x2c) count += 1;
  return count;
}

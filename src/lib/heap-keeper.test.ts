import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** Runs these lines in a process of its own, and returns the number that they print. */
async function measured(lines: string): Promise<number> {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
    import { HeapKeeper, keepYoungGenerationSmall } from ${JSON.stringify(import.meta.resolve('./heap-keeper.ts'))};
    keepYoungGenerationSmall();
    ${lines}`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout);
}

/** MiB of the young generation after the process was busy or idle for some seconds. */
const youngMib = (work: 'busy' | 'thrifty' | 'idle', keeper: string): Promise<number> =>
  measured(`
    ${keeper}
    const kept = [];
    const until = performance.now() + 5_000;
    while (performance.now() < until) {
      for (let at = 0; at < ${{ busy: 20_000, thrifty: 200, idle: 20 }[work]}; at += 1) kept[at % 5_000] = { at, of: [at] };
      // Busy, with few objects.
      if (${work === 'thrifty'}) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4);
      await ${work === 'idle' ? 'delay(20)' : 'turn()'};
    }
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 2 ** 20);`);

/** MiB of the whole heap some quiet seconds after work that left much garbage. */
const heapMib = (keeper: string): Promise<number> =>
  measured(`
    ${keeper}
    let kept = [];
    for (let at = 0; at < 800_000; at += 1) kept.push({ at, of: [at] });
    kept = undefined;
    await delay(9_000);
    console.log(process.memoryUsage().heapTotal / 2 ** 20);`);

describe('the heap', () => {
  it('has a young generation that grows where collections take much of a busy process, to its limit, and in no other', async () => {
    const [busy, thrifty, idle, left, disposed] = await Promise.all([
      youngMib('busy', 'new HeapKeeper();'),
      youngMib('thrifty', 'new HeapKeeper();'),
      youngMib('idle', 'new HeapKeeper();'),
      youngMib('busy', ''),
      youngMib('busy', 'new HeapKeeper()[Symbol.dispose]();'),
    ]);
    expect(busy).toBeGreaterThanOrEqual(4);
    expect(busy).toBeLessThanOrEqual(16);
    expect(Math.max(thrifty, idle, left, disposed)).toBeLessThanOrEqual(2);
  });

  it('is given back when the work is over', async () => {
    const [kept, left] = await Promise.all([heapMib('new HeapKeeper();'), heapMib('')]);
    expect(left).toBeGreaterThan(40);
    expect(kept).toBeLessThan(left / 2);
  });
});

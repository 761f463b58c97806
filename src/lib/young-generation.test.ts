import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

/** MiB of the young generation of a process of its own, after it was busy or idle for some seconds. */
async function youngMib(work: 'busy' | 'idle', growth: string): Promise<number> {
  const script = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
    import { keepYoungGenerationSmall, YoungGeneration } from ${JSON.stringify(import.meta.resolve('./young-generation.ts'))};
    keepYoungGenerationSmall();
    ${growth}
    const kept = [];
    const until = performance.now() + 5_000;
    while (performance.now() < until) {
      for (let at = 0; at < ${work === 'busy' ? 20_000 : 20}; at += 1) kept[at % 5_000] = { at, of: [at] };
      await ${work === 'busy' ? 'turn()' : 'delay(20)'};
    }
    console.log(getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size / 2 ** 20);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script]);
  return Number(stdout);
}

describe('the young generation', () => {
  it('grows in a busy process, to its limit, and in no other', async () => {
    const [busy, idle, left, disposed] = await Promise.all([
      youngMib('busy', 'new YoungGeneration();'),
      youngMib('idle', 'new YoungGeneration();'),
      youngMib('busy', ''),
      youngMib('busy', 'new YoungGeneration()[Symbol.dispose]();'),
    ]);
    expect(busy).toBeGreaterThanOrEqual(4);
    expect(busy).toBeLessThanOrEqual(32);
    expect(Math.max(idle, left, disposed)).toBeLessThanOrEqual(2);
  });
});

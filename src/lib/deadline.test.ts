import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { afterLimit, untilDeadline, within } from './deadline.ts';

/** Stands still as a process does that was stopped: no timer fires and no answer is read. */
function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const LATE = () => new Error('late');

describe('a limit of time', () => {
  it('ends what is late', async () => {
    await expect(within(20, sleep(5_000, 'an answer', { ref: false }), LATE)).rejects.toThrow('late');
  });

  it('passes on what came in time', async () => {
    expect(await within(5_000, sleep(10, 'an answer'), LATE)).toBe('an answer');
  });

  it('does not act after it was cancelled, neither before nor after it stood still', async () => {
    let acts = 0;
    const cancelled = afterLimit(20, () => acts++);
    const cancelledLate = afterLimit(20, () => acts++);
    cancelled();
    standStill(1_100);
    await sleep(0);
    cancelledLate();
    await sleep(2_200);
    expect(acts).toBe(0);
  });

  it('gives a process that stood still the time to read its answers', async () => {
    const answer = sleep(200, 'an answer');
    const waiting = within(100, answer, LATE);
    const working = untilDeadline(100, new AbortController().signal, () => answer, LATE);
    standStill(1_150);
    // As the answer is read only after a turn of the loop, so are all the limits.
    expect(await Promise.all([waiting, working])).toEqual(['an answer', 'an answer']);
  });

  it('still ends what has no answer after it stood still', async () => {
    const waiting = within(20, sleep(10_000, undefined, { ref: false }), LATE);
    standStill(1_100);
    await expect(waiting).rejects.toThrow('late');
  });
});

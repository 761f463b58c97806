import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../../src/lib/duration.ts';
import type { Random } from '../random.ts';
import type { Stage } from '../stage.ts';
import { now } from '../timeline.ts';
import type { Asked } from './asked.ts';

/** The context of each part of the load. */
export type LoadContext = { stage: Stage; asked: Asked; random: Random; signal: AbortSignal };

/** Runs `act` every `ms` until the load is stopped. */
export async function every(ms: number, signal: AbortSignal, act: (turn: number) => Promise<void>): Promise<void> {
  for (let turn = 0; !signal.aborted; turn += 1) {
    await act(turn);
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}

/** Repeats an action until the server accepts it. */
export async function insist<T>(act: () => Promise<T>): Promise<T> {
  for (const deadline = now() + seconds(120); ; ) {
    try {
      return await act();
    } catch (error) {
      if (now() > deadline) throw error;
      await delay(200);
    }
  }
}

/** Makes a request that must not be repeated. Undefined where its answer was lost; it then counts as in doubt. */
export async function once<T>(asked: Asked, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch {
    asked.inDoubt += 1;
    return undefined;
  }
}

import { minutes, seconds } from '../../lib/duration.ts';

/** How long the intake waits for what, all in milliseconds. */
export type ConsumerTimes = {
  /** One waiting read; a Python worker's is as long. */
  blockMs: number;
  /** Reclaiming, trimming, lag and removal of consumers, together. */
  housekeepingMs: number;
  /** From this age on what a dead consumer left pending is taken over. */
  claimIdleMs: number;
  /** The lock of Python's own reclaiming is respected this long. */
  respectLockMs: number;
  /** Consumers that hold nothing are removed after this silence; living ones ask every two seconds. */
  goneMs: number;
  /** A hand-over that takes longer counts as failed. */
  handOverMs: number;
  /** Waits between the tries of one delivery. */
  retryMs: readonly number[];
  /** `stop` gives up on what is still in hand after this: it stays pending and is delivered again. */
  stopMs: number;
};

/** For production. */
export const TIMES: ConsumerTimes = {
  blockMs: seconds(2),
  housekeepingMs: seconds(10),
  claimIdleMs: seconds(60),
  respectLockMs: seconds(60),
  goneMs: minutes(5),
  handOverMs: seconds(30),
  retryMs: [250, seconds(1), seconds(3), seconds(10), seconds(30)],
  stopMs: seconds(8),
};

/** For production, where a consumer counts as dead after this silence. A living one asks every two seconds. */
export function takeoverTimes(silenceMs: number): Partial<ConsumerTimes> {
  const housekeepingMs = Math.min(TIMES.housekeepingMs, silenceMs / 2);
  return { claimIdleMs: silenceMs, respectLockMs: silenceMs, housekeepingMs };
}

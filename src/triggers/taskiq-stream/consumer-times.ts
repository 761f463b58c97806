import { minutes, seconds } from '../../lib/duration.ts';

/** The waits of the intake, all in milliseconds. */
export type ConsumerTimes = {
  /** The length of one blocking read; a Python worker's is the same. */
  blockMs: number;
  /** The interval of reclaiming, trimming, lag and removal of consumers, which run together. */
  housekeepingMs: number;
  /** Pending entries of a dead consumer are taken over from this age on. */
  claimIdleMs: number;
  /** A lock of Python's own reclaiming is respected for this long. */
  respectLockMs: number;
  /** Consumers that hold nothing are removed after this silence; living ones ask every two seconds. */
  goneMs: number;
  /** A hand-over that takes longer counts as failed. */
  handOverMs: number;
  /** Waits between the tries of one delivery. */
  retryMs: readonly number[];
  /** `stop` gives up on entries in progress after this: they stay pending and are delivered again. */
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

/** The times for production, with a silence after which a consumer counts as dead. A living one asks every two seconds. */
export function takeoverTimes(silenceMs: number): Partial<ConsumerTimes> {
  const housekeepingMs = Math.min(TIMES.housekeepingMs, silenceMs / 2);
  return { claimIdleMs: silenceMs, respectLockMs: silenceMs, housekeepingMs };
}

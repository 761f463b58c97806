import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** How much of the limits that all workers share is in use now. */
export type LimitsInUse = {
  /** Messages to Telegram in the last second at the regular rate, and for how long Telegram has asked all workers to pause. */
  telegram: { sent: number; pausedMs: number };
  /** Requests to the panel that are on, and processes that wait for a place. */
  panel: { used: number; waiting: number };
};

export async function limitsInUse(redis: RedisClient): Promise<LimitsInUse> {
  const [sent, pausedMs, used, waiting] = await Promise.all([
    redis.llen(keys.telegramSent()),
    redis.pttl(keys.telegramPause()),
    redis.zcard(keys.gate('remnawave')),
    redis.zcard(keys.gateWaiting('remnawave')),
  ]);
  return { telegram: { sent, pausedMs: Math.max(0, pausedMs) }, panel: { used, waiting } };
}

import { days } from '../../../lib/duration.ts';
import type { RedisClient } from '../../../lib/redis-client.ts';
import { keys } from '../keys.ts';

/** Marks are kept as long as the rows of the same report. */
const TTL_MS = days(8);

/** Records which admins have received a report's picture, because pictures do not fit into `notification_queue`. */
export class ReportMarks {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  /** `report` = `daily:2026-03-01`. */
  async sent(report: string): Promise<ReadonlySet<number>> {
    return new Set((await this.#redis.hkeys(keys.reportPictures(report))).map(Number));
  }

  async mark(report: string, adminId: number, messageId: number): Promise<void> {
    const key = keys.reportPictures(report);
    await this.#redis.multi().hset(key, String(adminId), messageId).pexpire(key, TTL_MS).exec();
  }
}

import { within } from '../../lib/deadline.ts';
import type { Metrics } from '../../observability/metrics.ts';
import { SCRAPE_LIMIT_MS } from './gauges.ts';
import type { ScheduleWatch } from './schedule-watch.ts';

/** Sets the gauges of the dead man's switch at a scrape. While Redis is away it sets none: unknown is not in time. */
export async function refreshScheduleGauges(watch: ScheduleWatch, metrics: Metrics, now: Date): Promise<void> {
  metrics.schedules(await within(SCRAPE_LIMIT_MS, watch.states(now)).catch(() => []));
}

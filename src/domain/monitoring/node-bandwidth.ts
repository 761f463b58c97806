import type { BandwidthSample } from '../../repositories/redis/monitoring/bandwidth-samples.ts';

/** 100 Gbit/s: more than any one VPN server sends. A counter that claims more was set by somebody. */
const MOST_BYTES_PER_SECOND = 100e9 / 8;

/**
 * The sample for a counter, given the one before. The panel's counter starts again at 0 on the node's reset day: what it shows then
 * is what has flowed since. A difference that no line can carry is unknown, not traffic; so is one between counters of different weights,
 * because all earlier bytes then seem to have changed.
 */
export function sampleOf(
  reading: { at: Date; totalBytes: number; usersOnline?: number | undefined; weight?: number | undefined },
  previous: BandwidthSample | undefined,
): BandwidthSample {
  const sample: BandwidthSample = { ...reading };
  if (previous?.totalBytes === undefined || (previous.weight ?? 1) !== (reading.weight ?? 1)) return sample;
  const seconds = Math.round((reading.at.getTime() - previous.at.getTime()) / 1000);
  const isReset = reading.totalBytes < previous.totalBytes;
  const bytes = isReset ? reading.totalBytes : reading.totalBytes - previous.totalBytes;
  if (seconds <= 0 || bytes > seconds * MOST_BYTES_PER_SECOND) return sample;
  return { ...sample, bytes, seconds };
}

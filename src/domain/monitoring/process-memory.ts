import { hostname } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { seconds } from '../../lib/duration.ts';
import type { MemoryReports, MemoryUse } from '../../repositories/redis/figures/memory-reports.ts';

const EVERY_MS = seconds(30);

/** Reports every 30 seconds how much memory this process uses, for `check_anomalies` to read. A failed report is left out. */
export class ProcessMemoryReporter implements Disposable {
  readonly #timer: NodeJS.Timeout;

  /** `clock` is the time that all workers share. */
  constructor(reports: MemoryReports, clock: () => Date, everyMs = EVERY_MS) {
    const report = (): void => void reports.save(memoryNow(clock())).catch(() => undefined);
    report();
    this.#timer = setInterval(report, everyMs).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** The memory limit of the container. Undefined where there is none: `constrainedMemory` is then 0, or larger than any machine. */
export function memoryLimitBytes(): number | undefined {
  const limit = process.constrainedMemory();
  return limit > 0 && limit < 2 ** 50 ? limit : undefined;
}

function memoryNow(at: Date): MemoryUse {
  const heap = getHeapStatistics();
  return {
    host: hostname(),
    pid: process.pid,
    rssBytes: process.memoryUsage.rss(),
    limitBytes: memoryLimitBytes(),
    heapUsedBytes: heap.used_heap_size,
    heapLimitBytes: heap.heap_size_limit,
    at,
  };
}

export type MemoryLoad = { host: string; usedBytes: number; limitBytes: number; share: number };

/**
 * How full each worker is: the share of the container's limit that its processes use together. The fullest heap counts where it is nearer
 * to its end, or where nothing else limits it.
 */
export function memoryLoads(uses: readonly MemoryUse[]): MemoryLoad[] {
  return [...Map.groupBy(uses, ({ host }) => host)].map(([host, processes]) => {
    const heaps = processes.map(({ heapLimitBytes, heapUsedBytes }) => load(host, heapUsedBytes, heapLimitBytes));
    const limits = processes.flatMap(({ limitBytes }) => limitBytes ?? []);
    const used = processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    const loads = limits.length > 0 ? [...heaps, load(host, used, Math.min(...limits))] : heaps;
    return loads.reduce((most, one) => (one.share > most.share ? one : most));
  });
}

const load = (host: string, usedBytes: number, limitBytes: number): MemoryLoad => ({
  host,
  usedBytes,
  limitBytes,
  share: usedBytes / limitBytes,
});

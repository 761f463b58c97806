/** Of a limit, so much is left to what is no heap and to the moment: files that are read, buffers on their way. */
const KEPT_FREE = 0.1;
/** What a process takes besides its old generation: Node itself, code, connections, the young generation. An estimate from idle processes. */
const BESIDES_MB = 40;
/** The supervisor's whole heap. */
const SUPERVISOR_MB = 40;
/** With less a worker process does not get through a large sweep. */
const LEAST_MB = 96;

/**
 * The flags of one of `count` worker processes that share a memory limit with their supervisor: its old generation may take its share of
 * what remains. Without them Node gives each process half of the limit or more, and the container is killed before V8 collects. None where
 * there is no limit.
 */
export function heapShare(limitBytes: number | undefined, count: number): string[] {
  if (limitBytes === undefined) return [];
  const forHeaps = (limitBytes / 2 ** 20) * (1 - KEPT_FREE) - SUPERVISOR_MB - (count + 1) * BESIDES_MB;
  return [`--max-old-space-size=${Math.max(LEAST_MB, Math.floor(forHeaps / count))}`];
}

/** Of a limit, so much is left to what is no heap and to the moment: files that are read, buffers on their way. */
const KEPT_FREE = 0.1;
/**
 * What each process takes besides its heap: what Node allocates for itself, code, connections. Measured under the soak's load in a memory
 * cgroup: 163 MiB were anonymous memory of three processes, 102 of them their heaps.
 */
const BESIDES_MB = 21;
/** Pages of Node's own file, which all processes share and which count in the cgroup that reads them first. */
const NODE_MB = 60;
/** The supervisor's whole heap: 25 when idle, and 60 more with the API and pages of the console, measured in the same way. */
const SUPERVISOR_MB = 85;
/** With less a worker process does not get through a large sweep. */
const LEAST_MB = 96;

/**
 * The flags of one of `count` worker processes that share a memory limit with their supervisor: its old generation may take its share of
 * what remains. Without them Node gives each process half of the limit or more, and the container is killed before V8 collects. None where
 * there is no limit.
 */
export function heapShare(limitBytes: number | undefined, count: number): string[] {
  if (limitBytes === undefined) return [];
  const forHeaps = (limitBytes / 2 ** 20) * (1 - KEPT_FREE) - NODE_MB - SUPERVISOR_MB - (count + 1) * BESIDES_MB;
  return [`--max-old-space-size=${Math.max(LEAST_MB, Math.floor(forHeaps / count))}`];
}

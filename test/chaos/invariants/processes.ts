import type { Evidence, ProcessEvidence, Violation } from '../evidence.ts';

/** The memory that a process may have more than a fresh one: pages that the heap has not given back yet. */
const MEMORY_SLACK_MIB = 100;

/** No process ends on its own, and the survivors use no more resources than fresh processes. */
export function processesWrong({ endedAtMs, fresh, survivors, troubles }: Evidence): Violation[] {
  const violations: Violation[] = troubles.map(({ atMs, what }) => ({
    rule: 'processes end when they are told to',
    atMs,
    what,
  }));
  for (const survivor of survivors) {
    const like = fresh.find(({ name }) => name === survivor.name);
    for (const fault of like ? faultsOf(survivor, like) : [])
      violations.push({
        rule: 'memory and connections back to normal',
        atMs: endedAtMs,
        what: `${survivor.name} ${fault}`,
      });
  }
  return violations;
}

function faultsOf(survivor: ProcessEvidence, fresh: ProcessEvidence): string[] {
  const faults: string[] = [];
  if (survivor.rssMib > fresh.rssMib + MEMORY_SLACK_MIB)
    faults.push(`uses ${survivor.rssMib} MiB, a fresh one ${fresh.rssMib} MiB`);
  if (survivor.redisConnections > fresh.redisConnections)
    faults.push(`holds ${survivor.redisConnections} connections to Redis, a fresh one ${fresh.redisConnections}`);
  return faults;
}

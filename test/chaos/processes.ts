import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { ProcessEvidence } from './evidence.ts';
import { SLOTS } from './plan.ts';
import type { Stage } from './stage.ts';

/** Memory and connections of every process of the service that is up. */
export async function look({ crew, proxies }: Stage): Promise<ProcessEvidence[]> {
  const seen: ProcessEvidence[] = [];
  for (const slot of SLOTS) {
    const process = crew.at(slot);
    if (!process) continue;
    seen.push({
      name: slot,
      pid: process.pid,
      rssMib: await residentMib(process.pid),
      databaseConnections: await connectionsTo(process.pid, proxies.postgres.port),
      redisConnections: await connectionsTo(process.pid, proxies.redis.port),
    });
  }
  return seen;
}

async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** Established TCP connections of this process to that port of the loopback. */
async function connectionsTo(pid: number, port: number): Promise<number> {
  const own = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) own.add(inode);
  }
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).trim().split('\n').slice(1);
  return lines.filter((line) => {
    const [, , to, state, , , , , , inode] = line.trim().split(/\s+/);
    return to!.endsWith(remote) && state === '01' && own.has(inode!);
  }).length;
}

/** The processes that this one has started. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(/^\d+ \(.*\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Nothing where the process is gone. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile.
  }
}

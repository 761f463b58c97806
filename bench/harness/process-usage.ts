import { readdir, readFile } from 'node:fs/promises';

/**
 * The usage of a process group: memory now, and processor time since its start. Proportional memory counts a page that processes share in
 * parts, one for each of them, so that the sum is what they take together.
 */
export type Usage = { residentMb: number; proportionalMb: number; processorMs: number; processes: number };

/** `USER_HZ` of proc(5), 100 on every Linux that Node runs on; `statm` counts pages of 4 KiB there. */
const TICK_MS = 10;
const PAGE_MB = 4096 / 1e6;

/** Reads the usage of all living processes of this group from the kernel. Linux only. */
export async function usageOfGroup(group: number): Promise<Usage> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => usageOf(pid, group)));
  const found = all.filter((usage) => usage !== undefined);
  return {
    residentMb: sum(found.map(({ residentMb }) => residentMb)),
    proportionalMb: sum(found.map(({ proportionalMb }) => proportionalMb)),
    processorMs: sum(found.map(({ processorMs }) => processorMs)),
    processes: found.length,
  };
}

async function usageOf(pid: string, group: number): Promise<Omit<Usage, 'processes'> | undefined> {
  try {
    // The name in parentheses may hold any text. The fields after it are numbers; the third is the group.
    const [, fields = ''] = /\) (.*)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const numbers = fields.split(' ').map(Number);
    if (numbers[2] !== group) return undefined;
    const [, pages] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ').map(Number);
    const [, proportionalKib] = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
    const proportionalMb = (Number(proportionalKib ?? 0) * 1024) / 1e6;
    return { residentMb: pages! * PAGE_MB, proportionalMb, processorMs: (numbers[11]! + numbers[12]!) * TICK_MS };
  } catch {
    return undefined; // It has ended since it was listed.
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

import { readdir, readFile } from 'node:fs/promises';
import { setInterval as ticks } from 'node:timers/promises';

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
  const found = await ofGroup(group, usageOf);
  return {
    residentMb: sum(found.map(({ residentMb }) => residentMb)),
    proportionalMb: sum(found.map(({ proportionalMb }) => proportionalMb)),
    processorMs: sum(found.map(({ processorMs }) => processorMs)),
    processes: found.length,
  };
}

/** Samples the memory of a group until the signal fires, often enough to see the peak of a page. Reads no more than that, so as not to slow it down. */
export async function residentMbUntil(group: number, until: AbortSignal, everyMs = 20): Promise<number[]> {
  const samples: number[] = [];
  for await (const _ of ticks(everyMs)) {
    samples.push(sum(await ofGroup(group, residentMbOf)));
    if (until.aborted) return samples;
  }
  return samples;
}

/** What `read` says of each living process of the group. */
async function ofGroup<Read>(
  group: number,
  read: (pid: string, numbers: readonly number[]) => Promise<Read>,
): Promise<Read[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => ofProcess(pid, group, read)));
  return all.filter((one) => one !== undefined);
}

async function ofProcess<Read>(
  pid: string,
  group: number,
  read: (pid: string, numbers: readonly number[]) => Promise<Read>,
): Promise<Read | undefined> {
  try {
    // The name in parentheses may hold any text. The fields after it are numbers; the third is the group.
    const [, fields = ''] = /\) (.*)/.exec(await readFile(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const numbers = fields.split(' ').map(Number);
    return numbers[2] === group ? await read(pid, numbers) : undefined;
  } catch {
    return undefined; // It has ended since it was listed.
  }
}

async function residentMbOf(pid: string): Promise<number> {
  const [, pages] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ').map(Number);
  return pages! * PAGE_MB;
}

async function usageOf(pid: string, numbers: readonly number[]): Promise<Omit<Usage, 'processes'>> {
  const [, proportionalKib] = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  const proportionalMb = (Number(proportionalKib ?? 0) * 1024) / 1e6;
  return { residentMb: await residentMbOf(pid), proportionalMb, processorMs: (numbers[11]! + numbers[12]!) * TICK_MS };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

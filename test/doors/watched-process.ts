import { readFile, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../src/lib/duration.ts';

/** What a time limit is held against. */
export type Watched = {
  /** Processor time of the main thread, which is how long everything else had to wait for it. */
  readonly workMs: number;
  /** The slowest answer of `/health/live`, without the time in which this machine gave the processor to others. */
  readonly liveMs: number;
  /** How often it was asked. */
  readonly asked: number;
  /** Growth of the process' largest memory over what it had before. */
  readonly grownMb: number;
};

/** How long `/health/live` rests between two questions. */
const REST_MS = 5;

/** Asks `/health/live` of a process for as long as `work` takes. Throws where one question has no answer. */
export async function watched<T>(
  pid: number,
  httpUrl: string,
  work: () => Promise<T>,
): Promise<Watched & { result: T }> {
  const agent = new Agent({ keepAlive: false });
  const before = { thread: await thread(pid), kb: await memory(pid, 'VmRSS') };
  // Writing 5 sets the peak back to what is in use now: proc_pid_clear_refs(5).
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  let isOver = false;
  const asking = (async () => {
    let [asked, liveMs] = [0, 0];
    while (!isOver || asked === 0) {
      liveMs = Math.max(liveMs, await fairMs(pid, () => live(httpUrl, agent)));
      asked += 1;
      await sleep(REST_MS);
    }
    return { asked, liveMs };
  })();
  try {
    const result = await work();
    isOver = true;
    const told = await asking;
    const workMs = (await thread(pid)).ranMs - before.thread.ranMs;
    return { ...told, workMs, grownMb: ((await memory(pid, 'VmHWM')) - before.kb) / 1024, result };
  } finally {
    isOver = true;
    await asking.catch(() => undefined);
    agent.destroy();
  }
}

/** Wall time of `work` less the time in which that process, or this one, was ready to run and had no processor. */
async function fairMs(pid: number, work: () => Promise<unknown>): Promise<number> {
  const [theirs, ours, at] = [await thread(pid), await thread(process.pid), performance.now()];
  await work();
  const ms = performance.now() - at;
  return ms - ((await thread(pid)).waitedMs - theirs.waitedMs) - ((await thread(process.pid)).waitedMs - ours.waitedMs);
}

/** The main thread's time on a processor, and its time in line for one: https://docs.kernel.org/scheduler/sched-stats.html */
async function thread(pid: number): Promise<{ ranMs: number; waitedMs: number }> {
  const [ran, waited] = (await readFile(`/proc/${pid}/task/${pid}/schedstat`, 'utf8')).split(' ').map(Number);
  return { ranMs: ran! / 1e6, waitedMs: waited! / 1e6 };
}

async function memory(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]);
}

function live(httpUrl: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = get(`${httpUrl}/health/live`, { agent, timeout: seconds(60) }, (response) => {
      response.resume().on('end', resolve);
    });
    asked.on('timeout', () => asked.destroy(new Error('/health/live does not answer')));
    asked.on('error', reject);
  });
}

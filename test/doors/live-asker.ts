import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../../src/lib/duration.ts';
import { mainThread } from './main-thread.ts';

/** What a `LiveAsker` process tells at the end of a round. */
export type LiveTold = {
  /** The slowest answer of `/health/live`, without the time in which this machine gave the processor to others. */
  readonly liveMs: number;
  /** How often it was asked. */
  readonly asked: number;
};

/** Rest between two questions. */
const REST_MS = 5;

const [pid, httpUrl] = [Number(process.argv[2]), process.argv[3]!];
const agent = new Agent({ keepAlive: false });
let isOver = false;

/**
 * A process of its own, started with a pid and the address of its port: what a test sends meanwhile must not count as slowness of the
 * process that is asked. It asks from `begin` to `end`, and once at least; then it tells. It ends with its parent.
 */
process.on('message', (order: 'begin' | 'end') => {
  isOver = order === 'end';
  if (!isOver) void round().then((told) => process.send!(told), fail);
});
process.on('disconnect', () => process.exit());
// The first question loads what it needs.
await live();
process.send!('ready');

async function round(): Promise<LiveTold> {
  let [asked, liveMs] = [0, 0];
  while (!isOver || asked === 0) {
    liveMs = Math.max(liveMs, await fairMs(live));
    asked += 1;
    await sleep(REST_MS);
  }
  return { asked, liveMs };
}

/** Wall time of `work` less the time in which the other process, or this one, was ready to run and had no processor. */
async function fairMs(work: () => Promise<unknown>): Promise<number> {
  const [theirs, ours, at] = [mainThread(pid), mainThread(process.pid), performance.now()];
  await work();
  const ms = performance.now() - at;
  return ms - (mainThread(pid).waitedMs - theirs.waitedMs) - (mainThread(process.pid).waitedMs - ours.waitedMs);
}

function live(): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = get(`${httpUrl}/health/live`, { agent, timeout: seconds(60) }, (response) => {
      response.resume().on('end', resolve);
    });
    asked.on('timeout', () => asked.destroy(new Error('/health/live does not answer')));
    asked.on('error', reject);
  });
}

function fail(error: Error): void {
  console.error(error);
  process.exit(1);
}

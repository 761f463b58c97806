import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../src/lib/duration.ts';
import { queueMany } from '../src/testing/world/notifications.ts';
import { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import { Bundled } from './harness/bundled.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { usageOfGroup } from './harness/process-usage.ts';
import { rounds } from './harness/scale.ts';

/** After this time the work of the start is over: compiling, first connections, first collections of garbage. */
const SETTLE_MS = seconds(15);
/** What the promise of a default installation names. */
const INSTALLED_MS = seconds(60);

/** What the soak asks for (`test/chaos/soak.ts`): rows of the outbox, and 1,000 jobs a minute. */
const ROWS_A_SECOND = 25;
const JOBS_A_SECOND = 17;
const LOADED_MS = seconds(60);
const LOOK_EVERY_MS = seconds(5);
/** 70 % of the memory limit of the worker that ships, 512 MiB (`deploy/compose.yml`). */
const LOADED_AT_MOST_MB = (0.7 * 512 * 2 ** 20) / 1e6;

export const measure: Measure = {
  title: 'memory and processor time of workers that have nothing to do',
  limits:
    "Node itself and the loaded code; a young generation that stays at its first size until the process is busy and an old one that may grow by a quarter between collections keep the rest small. Processor time goes into BullMQ's waiting reads, the schedules and a heartbeat.",

  async run(scale) {
    const windowMs = scale === 'full' ? seconds(30) : seconds(10);
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await World.start());
    // The first start fills the compile cache.
    await (await world.startWorker()).stop();
    const workers = await Promise.all([
      world.startWorker(),
      world.startWorker({ WORKER_CONCURRENCY: '2' }),
      world.startWorker({ NODE_DISABLE_COMPILE_CACHE: '1' }),
    ]);
    await delay(SETTLE_MS);
    const rows: Idle[][] = [];
    for (let round = 0; round < rounds(scale); round += 1) {
      rows.push(await Promise.all(workers.map((worker) => idle(worker, windowMs))));
    }
    // They would take a share of the load.
    await Promise.all(workers.map((worker) => worker.stop()));
    const { idleMb, loadedMb } = await installationMb(world, rounds(scale));
    return {
      figures: [
        {
          what: 'default installation from the bundle: worker of 2 processes and scheduler, proportional, together',
          ...{ unit: 'MB', samples: idleMb, bar: { atMost: 256 } },
        },
        {
          what: 'its worker, 2 processes and supervisor, under load, proportional, together, at its highest',
          ...{ unit: 'MB', samples: loadedMb, bar: { atMost: LOADED_AT_MOST_MB } },
        },
        ...figuresOf(
          'worker, 1 process',
          rows.map((row) => row[0]!),
        ),
        ...figuresOf(
          'worker, 2 processes and supervisor, each',
          rows.map((row) => row[1]!),
        ),
        ...figuresOf(
          'worker, 1 process, a first start',
          rows.map((row) => row[2]!),
        ),
        {
          what: 'worker, 2 processes and supervisor, together',
          unit: 'MB',
          samples: rows.map((row) => row[1]!.residentMb * row[1]!.processes),
        },
      ],
      notes: [
        `Windows of ${windowMs / 1000} s. The shipped worker with its TaskIQ intake and no scheduler beside it, so that nothing comes due.`,
        'A default installation is looked at 60 s after its start, each round another one. Proportional memory (Pss of smaps_rollup) counts a page that n processes share as an n-th in each, those outside of the installation included.',
        `Under load: ${ROWS_A_SECOND} messages a second from notification_queue and ${JOBS_A_SECOND} jobs a second, as many as the soak asks for, for ${LOADED_MS / 1000} s after the idle minute, looked at every ${LOOK_EVERY_MS / 1000} s.`,
        'Resident memory counts pages that processes share (Node itself, some 55 MB) in each of them.',
        'A first start finds nothing that an earlier one compiled (NODE_DISABLE_COMPILE_CACHE=1): Node then holds what strips types, too.',
      ],
    };
  },
};

/** The proportional memory of a worker as shipped and a scheduler, from the bundle that an image carries; then of the worker under load. */
async function installationMb(world: World, times: number): Promise<{ idleMb: number[]; loadedMb: number[] }> {
  await using bundled = await Bundled.make();
  const samples = { idleMb: [] as number[], loadedMb: [] as number[] };
  // The first start fills the compile cache.
  for (let round = 0; round <= times; round += 1) {
    const env = { ...world.env, WORKER_CONCURRENCY: '2' };
    await using worker = await RoleProcess.start('worker', env, undefined, bundled.spawn);
    await using scheduler = await RoleProcess.start('scheduler', env, undefined, bundled.spawn);
    if (round > 0) {
      await delay(INSTALLED_MS);
      const all = await Promise.all([worker, scheduler].map(({ pid }) => usageOfGroup(pid)));
      samples.idleMb.push(all.reduce((sum, { proportionalMb }) => sum + proportionalMb, 0));
      samples.loadedMb.push(await highestMb(world, worker));
    }
    await Promise.all([worker.stop(), scheduler.stop()]);
  }
  return samples;
}

/** The proportional memory of a worker under load, at its highest. */
async function highestMb(world: World, worker: RoleProcess): Promise<number> {
  const until = performance.now() + LOADED_MS;
  const loading = (async () => {
    for (let second = 0; performance.now() < until; second += 1) {
      const due = delay(seconds(1));
      await queueMany(world.pool, { count: ROWS_A_SECOND });
      const jobs = Array.from({ length: JOBS_A_SECOND }, (_, i) => ({
        telegram_id: 50_000_000 + second * JOBS_A_SECOND + i,
        message: `job ${i} of second ${second}`,
      }));
      await Promise.all(jobs.map((payload) => world.dispatch('send_notification', payload)));
      await due;
    }
  })();
  let highest = 0;
  while (performance.now() < until) {
    await delay(LOOK_EVERY_MS);
    highest = Math.max(highest, (await usageOfGroup(worker.pid)).proportionalMb);
  }
  await loading;
  return highest;
}

/** The averages of each process. */
type Idle = { residentMb: number; percent: number; processes: number };

function figuresOf(what: string, idles: readonly Idle[]): Figure[] {
  return [
    { what, unit: 'MB', samples: idles.map(({ residentMb }) => residentMb), bar: { below: 160 } },
    { what, unit: '% of a core', samples: idles.map(({ percent }) => percent), bar: { below: 3 } },
  ];
}

async function idle(worker: RoleProcess, windowMs: number): Promise<Idle> {
  const before = await usageOfGroup(worker.pid);
  const startedAt = performance.now();
  await delay(windowMs);
  const { processes, processorMs, residentMb } = await usageOfGroup(worker.pid);
  const percent = ((processorMs - before.processorMs) / (performance.now() - startedAt)) * 100;
  return { residentMb: residentMb / processes, percent: percent / processes, processes };
}

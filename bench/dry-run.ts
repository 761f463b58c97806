import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import { BOOKKEEPING, worldState } from '../src/testing/world-state.ts';
import type { Measure } from './harness/measure.ts';
import { residentMbUntil } from './harness/process-usage.ts';
import { rounds } from './harness/scale.ts';
import { median } from './harness/statistics.ts';

const TASK = 'check_expiring_subscriptions';
const IDLE_FOR_MS = 10_000;
const RUN_LIMIT_MS = 300_000;
/** The records of the queue itself (the job, its result, its events), and what a worker says of itself all the time. */
const OF_THE_WORKER = /^key cybervpn:(jobs:|processes$|workers:)/;

export const measure: Measure = {
  title: 'the dry run of a mass task over 100,000 users: time, memory above idle, and what it writes',
  limits:
    'The panel: pages of 1,000 users, one after the other. Each user who would be reminded is one line of a file; lines are written as they come, and memory does not grow with them.',

  async run(scale) {
    const users = scale === 'full' ? 100_000 : 10_000;
    await using world = await World.start({
      panel: { users, validateResponses: 'sample' },
      env: { LOG_LEVEL: 'INFO' },
    });
    const worker = await world.startWorker();
    const idleMb = median(await residentMbUntil(worker.pid, AbortSignal.timeout(IDLE_FOR_MS)));
    // Once, a worker notes the version of the panel and when it first stood here.
    await dryRun(world, worker);
    const found = {
      aboveIdleMb: [] as number[],
      seconds: [] as number[],
      lines: [] as number[],
      writes: [] as number[],
    };
    const acts = { panel: [] as number[], telegram: [] as number[] };
    for (let round = 0; round < rounds(scale); round += 1) {
      world.panel!.forgetCalls();
      const start = await stateOf(world);
      const done = new AbortController();
      const sampling = residentMbUntil(worker.pid, done.signal);
      const { exportId, lines, seconds } = await dryRun(world, worker);
      done.abort();
      found.aboveIdleMb.push(Math.max(...(await sampling)) - idleMb);
      found.seconds.push(seconds);
      found.lines.push(lines);
      await assertListed(join(world.env.EXPORT_DIR!, `${exportId}.csv`), lines);
      const left = changed(start, await stateOf(world)).filter((name) => !isBookkeeping(name));
      if (left.length > 0) console.error(`left behind: ${left.join(', ')}`);
      found.writes.push(left.length);
      acts.panel.push(world.panel!.calls().mutations.length);
      acts.telegram.push(world.telegram.messages().length);
    }
    const none = { atMost: 0 };
    return {
      figures: [
        { what: 'time', unit: 's', samples: found.seconds },
        { what: 'memory above idle', unit: 'MB', samples: found.aboveIdleMb, bar: { atMost: 64 } },
        { what: 'idle', unit: 'MB', samples: [idleMb] },
        { what: 'lines of the list', unit: '', samples: found.lines },
        { what: 'tables and keys that it changed', unit: '', samples: found.writes, bar: none },
        { what: 'changes asked of the panel', unit: '', samples: acts.panel, bar: none },
        { what: 'messages at Telegram', unit: '', samples: acts.telegram, bar: none },
      ],
      notes: [
        `\`${TASK}\` over ${users} users of the panel; each round lists the same, since nothing is written down.`,
        'Every table and every key is compared with what it held before. Left out: the queue’s own record of the job, what a worker says of',
        'itself all the time, places at the gate of the panel, figures of calls, and when each task ran last. A first dry run is not counted:',
        'in it a new worker notes the version of the panel and when it first stood here.',
        'Every list is read back and its lines are counted.',
        'Memory is the resident set of the worker process, sampled every 20 ms; idle is its median over 10 s before the first round.',
        'The panel is the sandbox in this process on the same cores, which takes most of the time.',
      ],
    };
  },
};

async function dryRun(world: World, worker: RoleProcess) {
  const { stdout } = await world.command(['dispatch', TASK, '--dry-run', '--json']);
  const { job_id: jobId } = JSON.parse(stdout) as { job_id: string };
  const line = await worker.untilLogged(
    ({ job_id: job, msg }) => job === jobId && msg.startsWith('task '),
    RUN_LIMIT_MS,
  );
  if (line.msg !== 'task done') throw new Error(`the dry run did not end well: ${JSON.stringify(line)}`);
  // What is written some seconds after a run.
  await sleep(IDLE_FOR_MS / 2);
  return { exportId: jobId, seconds: Number(line.seconds), lines: Number(line.would_touch) };
}

const stateOf = ({ pool, redisClient }: World) => worldState({ database: { pool }, redis: { client: redisClient } });

/** The names of what is not as it was, is new, or is gone. */
const changed = (before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => before[name] !== after[name]);

const isBookkeeping = (name: string): boolean => OF_THE_WORKER.test(name) || BOOKKEEPING.test(name);

/** Throws unless the list has a line for each whom the run would touch, under its head. */
async function assertListed(path: string, lines: number): Promise<void> {
  let found = -1;
  for await (const _ of createInterface({ input: createReadStream(path) })) found += 1;
  if (found !== lines) throw new Error(`${path}: ${found} lines instead of ${lines}`);
}

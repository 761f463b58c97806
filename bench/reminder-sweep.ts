import { World } from '../src/testing/world/world.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { residentMbUntil } from './harness/process-usage.ts';
import { rounds } from './harness/scale.ts';
import { median } from './harness/statistics.ts';

const TASK = 'check_expiring_subscriptions';
const IDLE_FOR_MS = 10_000;
const SWEEP_LIMIT_MS = 300_000;

export const measure: Measure = {
  title: 'the hourly reminder sweep: memory above idle, and time, as the users grow',
  limits:
    'The panel: pages of 1,000 users, one after the other, read twice where somebody is due (first to count for the brake on mass effects). Time and calls grow with the users; memory does not.',

  async run(scale) {
    const [few, many] = scale === 'full' ? [25_000, 100_000] : [2_500, 10_000];
    const small = await sweeps(few, rounds(scale));
    const large = await sweeps(many, rounds(scale));
    const growth = large.seconds.map((seconds, i) => seconds / small.seconds[i]! / (many / few));
    const figures: Figure[] = [
      { what: `memory above idle, ${few} users`, unit: 'MB', samples: small.aboveIdleMb },
      { what: `memory above idle, ${many} users`, unit: 'MB', samples: large.aboveIdleMb, bar: { atMost: 50 } },
      { what: `idle`, unit: 'MB', samples: [large.idleMb] },
      { what: `time, ${few} users`, unit: 's', samples: small.seconds },
      { what: `time, ${many} users`, unit: 's', samples: large.seconds },
      { what: 'time per user, many ÷ few', unit: '×', samples: growth, bar: { atMost: 1.25 } },
      { what: `page calls, ${many} users`, unit: '', samples: large.pages },
      { what: `reminders queued, ${many} users`, unit: '', samples: large.reminded },
    ];
    return {
      figures,
      notes: [
        'Each round reminds everybody anew: the queue and the keys are emptied before it.',
        'Two passes over all users: the first counts for the brake on mass effects, the second queues.',
        'Memory is the resident set of the worker process, sampled every 20 ms; idle is its median over 10 s before the first sweep.',
        'The panel is the sandbox in this process on the same cores, which takes most of the time.',
      ],
    };
  },
};

type Sweeps = { idleMb: number; aboveIdleMb: number[]; seconds: number[]; pages: number[]; reminded: number[] };

async function sweeps(users: number, count: number): Promise<Sweeps> {
  await using world = await World.start({
    panel: { users, validateResponses: 'sample' },
    env: { SAFETY_MAX_SHARE: '100%', LOG_LEVEL: 'INFO' },
  });
  const worker = await world.startWorker();
  const idleMb = median(await residentMbUntil(worker.pid, AbortSignal.timeout(IDLE_FOR_MS)));
  const found: Sweeps = { idleMb, aboveIdleMb: [], seconds: [], pages: [], reminded: [] };
  for (let round = 0; round < count; round += 1) {
    await world.pool.query('truncate notification_queue cascade');
    for (const key of await world.redisClient.keys('cybervpn:sub_reminder:*')) await world.redisClient.del(key);
    world.panel!.forgetCalls();
    const done = new AbortController();
    const sampling = residentMbUntil(worker.pid, done.signal);
    const { stdout } = await world.command(['dispatch', TASK, '--json']);
    const { job_id: jobId } = JSON.parse(stdout) as { job_id: string };
    const line = await worker.untilLogged(
      ({ job_id: job, msg }) => job === jobId && msg.startsWith('task '),
      SWEEP_LIMIT_MS,
    );
    done.abort();
    if (line.msg !== 'task done') throw new Error(`the sweep did not end well: ${JSON.stringify(line)}`);
    found.aboveIdleMb.push(Math.max(...(await sampling)) - idleMb);
    found.seconds.push(Number(line.seconds));
    found.reminded.push(Number(line.reminded));
    found.pages.push(world.panel!.calls().counts['GET /api/users/stream'] ?? 0);
  }
  return found;
}

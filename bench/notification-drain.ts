import { seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { notificationStates } from '../src/testing/world/notifications.ts';
import { World } from '../src/testing/world/world.ts';
import { Burner } from './harness/burner.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { type Sandbox, startSandbox } from './harness/sandbox.ts';
import { rounds, type Scale } from './harness/scale.ts';
import { sideBySide } from './harness/side-by-side.ts';

const TASK = 'process_notification_queue';
const DRAIN_LIMIT_MS = seconds(120);
/** Rounds with the limit, half of them with another program on the same cores: the first half of those with one worker, then with four. */
const LIMITED_ROUNDS = 24;

export const measure: Measure = {
  title: 'rows of notification_queue to the Telegram sandbox, with and without its limit of 30 a second',
  limits:
    "With the limit, Telegram's: 30 a second for one bot. A request holds one of 30 slots until a second after its answer, so the rate is 30 by a second and the time of an answer: beside a program that takes all cores answers come later, and fewer go out, never more. Without the limit, the core of the sender: a call over HTTP, a mark in Redis and a share of an UPDATE for each message; sandbox and PostgreSQL share the second core.",

  async run(scale) {
    const limited = await limitedDrains(scale);
    const free = await freeDrains(scale);
    return {
      figures: [...limited.figures, ...free.figures],
      notes: [
        `With the limit: ${limited.rows} rows of as many chats. Without: ${free.rows}, and a rate of 100,000/s in the settings.`,
        'Workers are `task-worker worker` processes with WORKER_CONCURRENCY=1; the sandbox is a process of its own, PostgreSQL syncs to disk.',
        'Rates are messages but one, by the time from the first to the last arrival at the sandbox. Lost and sent twice are counted there.',
        'With the limit: every other round beside a program that computes without end on every core. No round is thrown away, so what must never happen is looked at while every connection is new, too.',
        'One run of the task delivers at a time, whatever the number of workers: the others are there to take over.',
      ],
    };
  },
};

async function limitedDrains(scale: Scale): Promise<{ rows: number; figures: Figure[] }> {
  const rows = scale === 'full' ? 600 : 150;
  await using sandbox = await startSandbox([]);
  await using one = await worldOf(1, sandbox, {});
  await using four = await worldOf(4, sandbox, {});
  const errors = new Errors();
  const samples = { quiet: [] as number[], beside: [] as number[], one: [] as number[], four: [] as number[] };
  const count = scale === 'full' ? LIMITED_ROUNDS : 4;
  for (let round = 0; round < count; round += 1) {
    const [name, world] = round % 4 < 2 ? (['one', one] as const) : (['four', four] as const);
    const isLoaded = round % 2 === 1;
    await using _ = isLoaded ? await Burner.start() : undefined;
    const perSecond = await drain(world, sandbox, rows, errors);
    samples[name].push(perSecond);
    samples[isLoaded ? 'beside' : 'quiet'].push(perSecond);
  }
  return {
    rows,
    figures: [
      {
        what: 'with the limit, all rounds',
        unit: '/s',
        samples: [...samples.quiet, ...samples.beside],
        bar: { atLeast: 29 },
      },
      { what: 'with the limit, nothing beside it', unit: '/s', samples: samples.quiet, bar: { atLeast: 29 } },
      { what: 'with the limit, beside another program', unit: '/s', samples: samples.beside },
      { what: 'with the limit, 1 worker', unit: '/s', samples: samples.one },
      { what: 'with the limit, 4 workers', unit: '/s', samples: samples.four },
      { what: 'with the limit, most in any second', unit: '/s', samples: errors.worstSecond, bar: { neverOver: 30 } },
      { what: 'with the limit, answers 429', unit: '', samples: errors.tooMany, bar: { neverOver: 0 } },
      { what: 'with the limit, lost', unit: '', samples: errors.lost, bar: { neverOver: 0 } },
      { what: 'with the limit, sent twice', unit: '', samples: errors.twice, bar: { neverOver: 0 } },
    ],
  };
}

async function freeDrains(scale: Scale): Promise<{ rows: number; figures: Figure[] }> {
  const rows = scale === 'full' ? 5_000 : 1_000;
  await using sandbox = await startSandbox(['--no-limits']);
  await using world = await worldOf(1, sandbox, { TELEGRAM_RATE_PER_SECOND: '100000' });
  const errors = new Errors();
  const perSecond = await sideBySide({ free: () => drain(world, sandbox, rows, errors) }, rounds(scale));
  return {
    rows,
    figures: [
      { what: 'without limit', unit: '/s', samples: perSecond.free, bar: { atLeast: 1000 } },
      { what: 'without limit, lost', unit: '', samples: errors.lost, bar: { neverOver: 0 } },
      { what: 'without limit, sent twice', unit: '', samples: errors.twice, bar: { neverOver: 0 } },
    ],
  };
}

/** The errors of each drain, which must be zero. */
class Errors {
  readonly tooMany: number[] = [];
  readonly worstSecond: number[] = [];
  readonly lost: number[] = [];
  readonly twice: number[] = [];
}

async function worldOf(workers: number, sandbox: Sandbox, env: Record<string, string>): Promise<World> {
  const telegram = { TELEGRAM_API_URL: sandbox.url, TELEGRAM_BOT_TOKEN: sandbox.token };
  const world = await World.start({ durable: true, env: { ...telegram, ...env } });
  await Promise.all(Array.from({ length: workers }, () => world.startWorker()));
  return world;
}

/** Messages a second while `rows` due rows are delivered. */
async function drain(world: World, sandbox: Sandbox, rows: number, errors: Errors): Promise<number> {
  await world.pool.query('truncate notification_queue cascade');
  await sandbox.forget();
  await world.pool.query(
    `insert into notification_queue (id, telegram_id, message, notification_type, status, attempts, scheduled_at)
     select gen_random_uuid(), 200000 + n, 'message ' || n, 'info', 'pending', 0, now() - interval '1 second'
       from generate_series(1, $1) as n`,
    [rows],
  );
  const { code, stderr } = await world.command(['dispatch', TASK]);
  if (code !== 0) throw new Error(`dispatch ${TASK}: ${stderr}`);
  await until(
    'all rows are settled',
    async () => ((await notificationStates(world.pool)).pending ?? 0) === 0,
    DRAIN_LIMIT_MS,
  );
  const stats = await sandbox.stats();
  const texts = new Set(await sandbox.texts());
  errors.tooMany.push(stats.too_many_requests);
  errors.worstSecond.push(stats.max_per_second);
  errors.lost.push(rows - texts.size);
  errors.twice.push(stats.total - texts.size);
  return (stats.total - 1) / ((stats.last_at! - stats.first_at!) / 1000);
}

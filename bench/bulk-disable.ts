import { forEachAtMost } from '../src/lib/async-iteration.ts';
import { seconds } from '../src/lib/duration.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { type PanelProcess, startPanel } from './harness/panel.ts';
import { rounds, type Scale } from './harness/scale.ts';
import { ratios, sideBySide } from './harness/side-by-side.ts';

/** The default of REMNAWAVE_CONCURRENCY. */
const CONCURRENCY = 8;
/** The latency of a panel beside its own PostgreSQL for such a call; and none, where every millisecond of ours shows. */
const LATENCIES_MS = [20, 0] as const;
const BULK_LIMIT_MS = seconds(600);

export const measure: Measure = {
  title: 'bulk disable of 10,000 users against a bare loop of the same calls at the same concurrency',
  limits:
    'The panel: as many calls at once as `REMNAWAVE_CONCURRENCY` lets through, over all workers. With a panel that answers at once, the processor time of the worker, 375 µs a user where the bare loop has 115. By a profile (2026-12-01): 40 parts of 100 are `fetch` with its streams, 18 garbage, 12 system calls, 11 time limit, breaker, gate and metrics, 6 the Redis client, 5 the check of the answer, the rest receipts, the audit trail and progress. The bare loop keeps nothing of an answer; ours reads it whole, checks it, and can say afterwards what became of each user and undo it. A panel over its own PostgreSQL takes some 20 ms, where the bar holds.',

  async run(scale) {
    const users = scale === 'full' ? 10_000 : 1_000;
    const figures: Figure[] = [];
    for (const latencyMs of LATENCIES_MS) figures.push(...(await compare(users, latencyMs, scale)));
    return {
      figures,
      notes: [
        `${users} users a round, each round others, ${CONCURRENCY} calls at once. The panel is the sandbox in a process of its own.`,
        'The bare loop is `fetch` in eight loops and nothing else. Ours also takes a place at the gate over all workers, keeps what became',
        'of each user in Redis, writes one row of audit_logs for each, drops the cached copy of the backend, and shows progress.',
        'A panel takes some 20 ms for such a call; with none the panel is no bound, and what the above costs is seen.',
      ],
    };
  },
};

async function compare(users: number, latencyMs: number, scale: Scale): Promise<Figure[]> {
  // Users for all rounds and the warm-up round, for both contestants.
  await using panel = await startPanel(users * 2 * (rounds(scale) + 1));
  if (latencyMs > 0) await panel.slowDown(latencyMs);
  await using world = await World.start({
    durable: true,
    env: { REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: panel.token, LOG_LEVEL: 'INFO' },
  });
  const worker = await world.startWorker();
  let next = 1;
  const others = (): number[] => {
    const first = next;
    next += users;
    return Array.from({ length: users }, (_, i) => first + i);
  };
  const perSecond = await sideBySide(
    {
      bare: async () => users / (await bareLoop(panel, others())),
      ours: async () => users / (await bulkOperation(world, worker, others())),
    },
    rounds(scale),
  );
  const at = latencyMs === 0 ? 'a panel of no latency' : `a panel of ${latencyMs} ms`;
  const bar = { atLeast: latencyMs === 0 ? 0.7 : 0.9 };
  const ratio = { what: `${at}: ours ÷ bare`, unit: '×', samples: ratios(perSecond.ours, perSecond.bare), bar };
  return [
    { what: `${at}: bare loop`, unit: '/s', samples: perSecond.bare },
    { what: `${at}: bulk operation`, unit: '/s', samples: perSecond.ours },
    ratio,
  ];
}

/** Seconds that the calls alone take. */
async function bareLoop(panel: PanelProcess, users: readonly number[]): Promise<number> {
  const headers = {
    authorization: `Bearer ${panel.token}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
  };
  const startedAt = performance.now();
  await forEachAtMost(users, CONCURRENCY, async (id) => {
    const response = await fetch(`${panel.url}/api/users/${id}/actions/disable`, { method: 'POST', headers });
    await response.arrayBuffer();
    if (response.status >= 500 || response.status === 401) throw new Error(`the panel answered ${response.status}`);
  });
  return (performance.now() - startedAt) / 1000;
}

/** Seconds that the task takes, as it logs them. */
async function bulkOperation(world: World, worker: RoleProcess, users: readonly number[]): Promise<number> {
  const id = await world.dispatch('execute_bulk_user_operation', { operation: 'disable', user_uuids: users });
  const line = await worker.untilLogged(({ job_id: job, msg }) => job === id && msg.startsWith('task '), BULK_LIMIT_MS);
  if (line.msg !== 'task done' || line.failed !== 0)
    throw new Error(`the bulk operation did not end well: ${JSON.stringify(line)}`);
  return Number(line.seconds);
}

import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { minutes, seconds } from '../../src/lib/duration.ts';
import { QUEUES } from '../../src/runtime/define-task.ts';
import { QUEUE_PREFIX, redisName } from '../../src/runtime/queues.ts';
import type { ProcessEvidence } from './evidence.ts';
import { STREAM_IDLE } from './invariants/leftovers.ts';
import { COUNTED, SLACK_MS, schedulesWrong } from './invariants/schedules.ts';
import { NEXT_TASK } from './load/versions.ts';
import { look } from './processes.ts';
import { schedulesSeen } from './schedules-seen.ts';
import { SCHEDULES, type Stage } from './stage.ts';
import { now } from './timeline.ts';

export type Settled = { calmAtMs: number; survivors: ProcessEvidence[]; fresh: ProcessEvidence[]; isQuiet: boolean };

/** Work in progress at the end of the faults may take this long: takeovers need 20 s each, outside calls up to as much. */
const CALM_LIMIT_MS = minutes(2);
/** Entries of a dead reader of the stream are taken over after a minute; the rest is faster. */
const QUIET_LIMIT_MS = minutes(3);

/** The heap is collected in idle moments. */
const REST_MS = seconds(5);

/**
 * Brings the system to rest. First it repairs everything and lets work in progress end. Then it ends all processes in order and, while no
 * process works, makes time pass for rows and jobs that wait: leases run out, retries are due. Fresh processes do the rest. A short run
 * skips the first wait, so its survivors are not compared with fresh processes.
 */
export async function settle(stage: Stage, isShort: boolean, log: (text: string) => void): Promise<Settled> {
  const { crew, proxies, smtp, timeline, world } = stage;
  await crew.complete();
  for (const sandbox of [world.telegram, world.panel!, world.cryptopay]) sandbox.faults();
  stage.s3?.faults();
  smtp.refuse(undefined);
  await stage.clock?.set(0);
  for (const proxy of [proxies.redis, proxies.postgres]) {
    proxy.plug();
    proxy.forget();
  }
  const calmAtMs = now();
  timeline.note('calm', 'faults are over');
  using queues = new QueueEyes(world.env.REDIS_URL!);
  const survivors: ProcessEvidence[] = [];
  if (!isShort) {
    log('waiting for what is under way');
    await quiet(stage, queues, CALM_LIMIT_MS, 'now');
    await delay(REST_MS);
    survivors.push(...(await look(stage)));
  }
  log('ending all processes, as if time passed, starting them again');
  await crew.stopAll();
  await timePasses(stage, queues);
  const freshAtMs = now();
  await crew.complete();
  const isQuiet = await quiet(stage, queues, QUIET_LIMIT_MS, 'ever');
  await schedulesRan(stage, calmAtMs);
  await schedulesInOrder(stage, freshAtMs);
  if (!isShort) await delay(REST_MS);
  return { calmAtMs, survivors, fresh: await look(stage), isQuiet };
}

/** The longest period of a counted schedule is ten seconds. Other remaining work may end before its next slot comes. */
const SLOT_LIMIT_MS = seconds(10) + SLACK_MS;

/** Waits until every counted schedule has run again. The invariant finds one that does not. */
async function schedulesRan({ logs }: Stage, sinceMs: number): Promise<void> {
  const deadline = now() + SLOT_LIMIT_MS;
  const hasRun = (task: string): boolean => logs.runs.some((run) => run.task === task && run.ok && run.toMs >= sinceMs);
  while (!COUNTED.every(hasRun) && now() < deadline) await delay(250);
}

/**
 * A fresh scheduler lets 20 s pass before it puts back what a wrong clock has put ahead, looks every 5 s, and on a busy machine takes some
 * seconds to start.
 */
const ORDER_LIMIT_MS = seconds(35);

/** Gives the fresh scheduler its time to put the schedules in order. The invariant finds those that are not. */
async function schedulesInOrder(stage: Stage, freshAtMs: number): Promise<void> {
  const isInOrder = async (): Promise<boolean> => {
    const endedAtMs = now();
    return schedulesWrong({ endedAtMs, schedules: await schedulesSeen(stage, endedAtMs) }).length === 0;
  };
  while (now() < freshAtMs + ORDER_LIMIT_MS && !(await isInOrder())) await delay(seconds(1));
}

/** An older run of a schedule is stuck or slow. */
const FRESH_MS = seconds(15);

/** Reads and moves jobs beside the service. */
class QueueEyes implements Disposable {
  readonly queues: readonly Queue[];

  constructor(url: string) {
    this.queues = QUEUES.map((name) => new Queue(redisName(name), { connection: { url }, prefix: QUEUE_PREFIX }));
    for (const queue of this.queues) queue.on('error', () => undefined);
  }

  /** Whether a job is in one of these states, apart from the next run of each schedule and from jobs that wait for the next version. */
  async isBusy(...states: ('waiting' | 'active' | 'prioritized' | 'delayed')[]): Promise<boolean> {
    const lists = await Promise.all(this.queues.map((queue) => queue.getJobs(states, 0, 200)));
    const freshMs = Date.now() - FRESH_MS;
    return lists
      .flat()
      .some((job) => job && job.name !== NEXT_TASK && !(job.name in SCHEDULES && job.timestamp > freshMs));
  }

  [Symbol.dispose](): void {
    for (const queue of this.queues) void queue.close();
  }
}

/** Makes rows and jobs that wait for a later time due now. No process may be working. */
async function timePasses({ world }: Stage, { queues }: QueueEyes): Promise<void> {
  await world.pool.query(
    "update notification_queue set scheduled_at = now() where status = 'pending' and scheduled_at > now()",
  );
  for (const queue of queues) for (const job of await queue.getDelayed()) await job.promote().catch(() => undefined);
}

/** Waits for a moment without work; `ever` includes work that is due later. False where no such moment comes. */
async function quiet(stage: Stage, queues: QueueEyes, limitMs: number, when: 'now' | 'ever'): Promise<boolean> {
  const deadline = now() + limitMs;
  for (let calm = 0; now() < deadline; ) {
    calm = (await isQuiet(stage, queues, when).catch(() => false)) ? calm + 1 : 0;
    // A second quiet moment tells a gap from the end.
    if (calm === 2) return true;
    await delay(250);
  }
  return false;
}

async function isQuiet({ world }: Stage, queues: QueueEyes, when: 'now' | 'ever'): Promise<boolean> {
  const { rows } = await world.pool.query<{ due: number; later: number }>(
    `select count(*) filter (where scheduled_at <= now())::int as due,
            count(*) filter (where scheduled_at > now() and notification_type not like 'alert%')::int as later
       from notification_queue where status = 'pending'`,
  );
  const { due, later } = rows[0]!;
  if (due > 0) return false;
  if (await queues.isBusy('waiting', 'active', 'prioritized', ...(when === 'ever' ? (['delayed'] as const) : [])))
    return false;
  if (when === 'now') return true;
  const pending = (await world.redisClient.xpending('taskiq', 'taskiq').catch(() => [0])) as [number];
  // What is acknowledged goes with the next housekeeping, up to ten seconds later.
  return later === 0 && pending[0] === 0 && (await world.redisClient.xlen('taskiq')) <= STREAM_IDLE;
}

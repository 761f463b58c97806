import { minutes, seconds } from '../../src/lib/duration.ts';
import { Random } from './random.ts';

/** Processes of the service: two workers, and the scheduler. */
export const SLOTS = ['worker-1', 'worker-2', 'scheduler'] as const;
export type Slot = (typeof SLOTS)[number];

export type Outside = 'telegram' | 'panel' | 'cryptopay' | 'smtp' | 'storage';
/** Those that end in `after` strike when the work is done: its answer is lost, never comes, or says that it failed. */
export type Trouble = 'slow' | 'rate_limited' | 'error' | 'reset' | 'hang' | 'cut_after' | 'hang_after' | 'error_after';

/**
 * Commands that the service is refused for a while, as by a user of Redis that somebody changed. Those that stand in the middle of BullMQ's
 * scripts are left out: Redis keeps what a script had done when it is refused the rest, and no client can mend that (docs/security.md).
 */
const RIGHTS = ['evalsha', 'xreadgroup', 'xack', 'bzpopmin'] as const;

/** Settings that an operator changes on one of two workers first. */
const SETTINGS: readonly Readonly<Record<string, string>>[] = [
  { TASK_CONCURRENCY: '3', DATABASE_POOL_SIZE: '3' },
  { TASK_CONCURRENCY: '60' },
  { WORKER_CONCURRENCY: '2' },
];

/** One fault: its begin, its target and its length. The seed has decided everything random about it. */
export type Step = { atMs: number; forMs: number } & (
  | { kind: 'kill' | 'term' | 'pause' | 'hang' | 'output_closed'; slot: Slot }
  | { kind: 'settings'; slot: Slot; env: Readonly<Record<string, string>> }
  | { kind: 'redis_kill' | 'redis_restart' | 'redis_flush' | 'redis_silence' | 'redis_pull' }
  | { kind: 'redis_full' | 'redis_misconf' | 'redis_no_replicas' }
  | { kind: 'redis_rights'; right: (typeof RIGHTS)[number] }
  | { kind: 'postgres_restart' | 'postgres_kill' | 'postgres_freeze' | 'postgres_silence' | 'postgres_pull' }
  | { kind: 'postgres_read_only' }
  | { kind: 'disk_full' }
  | { kind: 'clock'; jumpMs: number }
  | { kind: 'outside'; service: Outside; trouble: Trouble; rate: number }
  | { kind: 'schema'; change: 'add_column' | 'widen' }
);

export type Plan = { seed: number; durationMs: number; steps: readonly Step[] };

/** Faults begin at least this long before the end of the plan, so that they are over by then. */
const LAST_START_MS = seconds(8);
const FIRST_START_MS = seconds(4);
/** Plans of at least this length have one pause longer than a lease of rows (5 minutes), not only than the lock of a job (10 s). */
const LONG_PAUSE_FROM_MS = minutes(8);
const LONG_PAUSE_MS = minutes(5.5);

type Kind = Step['kind'];

/** The number of times each fault comes up in one deal. Kills are the most frequent. */
export const DECK: readonly Kind[] = [
  ...Array<Kind>(5).fill('kill'),
  ...Array<Kind>(2).fill('term'),
  ...Array<Kind>(2).fill('pause'),
  ...Array<Kind>(7).fill('outside'),
  ...(['redis_kill', 'redis_restart', 'redis_silence', 'redis_pull'] as const),
  ...(['redis_full', 'redis_misconf', 'redis_no_replicas', 'redis_rights'] as const),
  ...(['postgres_restart', 'postgres_kill', 'postgres_freeze', 'postgres_silence', 'postgres_pull'] as const),
  ...(['postgres_read_only', 'disk_full', 'clock', 'schema', 'settings', 'hang', 'output_closed'] as const),
];

const TROUBLES: Readonly<Record<Outside, readonly Trouble[]>> = {
  telegram: ['slow', 'rate_limited', 'error', 'reset', 'hang', 'cut_after'],
  panel: ['slow', 'rate_limited', 'error', 'reset', 'hang', 'cut_after', 'hang_after', 'error_after'],
  cryptopay: ['slow', 'error', 'reset', 'hang', 'cut_after', 'hang_after', 'error_after'],
  smtp: ['error'],
  storage: ['slow', 'error', 'reset', 'cut_after'],
};

/**
 * The faults of one run. They are dealt from a reshuffled deck, so that every run of some minutes has each kind, in varying order. A run
 * has only one FLUSHALL, because it rightly loses everything that lives in Redis alone.
 */
export function planOf(seed: number, durationMs: number): Plan {
  const random = new Random(seed);
  const flushAtMs = random.between(durationMs * 0.3, durationMs * 0.8);
  const steps: Step[] = [];
  let deck: Kind[] = [];
  let flushed = false;
  for (let atMs = FIRST_START_MS; atMs < durationMs - LAST_START_MS; atMs += random.between(1_500, 6_000)) {
    if (!flushed && atMs >= flushAtMs) {
      flushed = true;
      steps.push({ atMs, forMs: 0, kind: 'redis_flush' });
      continue;
    }
    if (deck.length === 0) deck = random.shuffled(DECK);
    const step = stepOf(deck.pop()!, atMs, random);
    // The length is drawn first and cut afterwards, so that the other steps do not depend on the cut.
    steps.push({ ...step, forMs: Math.min(step.forMs, durationMs - atMs) });
  }
  if (durationMs >= LONG_PAUSE_FROM_MS) {
    steps.push({ atMs: seconds(20), forMs: LONG_PAUSE_MS, kind: 'pause', slot: 'worker-2' });
    steps.sort((a, b) => a.atMs - b.atMs);
  }
  return { seed, durationMs, steps };
}

function stepOf(kind: Kind, atMs: number, random: Random): Step {
  const lasting = (least: number, most: number) => ({ atMs, forMs: random.between(least, most) });
  switch (kind) {
    case 'kill':
    case 'term':
      // The time for which its place stays empty.
      return {
        ...lasting(0, 3_000),
        kind,
        slot: random.pick(['worker-1', 'worker-2', 'worker-1', 'worker-2', 'scheduler']),
      };
    case 'pause':
      // Longer than the lock of a job, so another worker has taken it over when this one wakes up.
      return { ...lasting(12_000, 25_000), kind, slot: random.pick(['worker-1', 'worker-2']) };
    case 'hang':
      // After a minute the supervisor replaces it; otherwise it wakes up.
      return { ...lasting(15_000, 80_000), kind, slot: random.pick(['worker-1', 'worker-2']) };
    case 'output_closed':
      return { atMs, forMs: 0, kind, slot: random.pick(['worker-1', 'worker-2']) };
    case 'settings':
      return { ...lasting(0, 1_000), kind, slot: random.pick(['worker-1', 'worker-2']), env: random.pick(SETTINGS) };
    case 'redis_rights':
      return { ...lasting(2_000, 12_000), kind, right: random.pick(RIGHTS) };
    case 'redis_full':
    case 'redis_misconf':
    case 'redis_no_replicas':
    case 'postgres_read_only':
      return { ...lasting(2_000, 12_000), kind };
    case 'redis_flush':
      return { atMs, forMs: 0, kind };
    case 'redis_silence':
    case 'postgres_silence':
      // It lasts until the server's keep-alive closes its ends. The client has to notice on its own.
      return { ...lasting(20_000, 40_000), kind };
    case 'disk_full':
      return { ...lasting(8_000, 20_000), kind };
    case 'clock':
      return { ...lasting(5_000, 15_000), kind, jumpMs: random.pick([-60_000, 45_000, 600_000, 7_200_000]) };
    case 'outside': {
      const service = random.pick(['telegram', 'telegram', 'panel', 'panel', 'cryptopay', 'smtp', 'storage'] as const);
      const trouble = random.pick(TROUBLES[service]);
      return { ...lasting(2_000, 12_000), kind, service, trouble, rate: random.pick([0.2, 0.5, 1]) };
    }
    case 'schema':
      return { atMs, forMs: 0, kind, change: random.pick(['add_column', 'widen']) };
    default:
      return { ...lasting(500, 8_000), kind };
  }
}

/** One step in words, the same for the same step. */
export function describeStep(step: Step): string {
  const lasting = step.forMs > 0 ? ` for ${(step.forMs / 1000).toFixed(1)} s` : '';
  switch (step.kind) {
    case 'kill':
      return `SIGKILL of ${step.slot}, replaced after ${(step.forMs / 1000).toFixed(1)} s`;
    case 'term':
      return `SIGTERM to ${step.slot}, replaced ${(step.forMs / 1000).toFixed(1)} s after its end`;
    case 'pause':
      return `SIGSTOP of ${step.slot}${lasting}`;
    case 'hang':
      return `SIGSTOP of a process of ${step.slot}${lasting}`;
    case 'output_closed':
      return `${step.slot}: its output is closed`;
    case 'settings':
      return `${step.slot} restarted with ${Object.entries(step.env)
        .map((pair) => pair.join('='))
        .join(' ')}`;
    case 'redis_rights':
      return `redis: no right to ${step.right}${lasting}`;
    case 'clock':
      return `clock of worker-2 off by ${step.jumpMs / 1000} s${lasting}`;
    case 'outside':
      return `${step.service}: ${step.trouble} at ${step.rate * 100} %${lasting}`;
    case 'schema':
      return `schema: ${step.change}`;
    default:
      return `${step.kind.replace('_', ': ').replaceAll('_', ' ')}${lasting}`;
  }
}

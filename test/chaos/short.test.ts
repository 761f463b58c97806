import { expect, test } from 'vitest';
import { minutes, seconds } from '../../src/lib/duration.ts';
import { countMessages } from './invariants/messages.ts';
import type { Plan } from './plan.ts';
import { failureReport } from './report.ts';
import { run } from './run.ts';

/** The faults of `make chaos` that fit into a few seconds, each while the load goes on. */
const PLAN: Plan = {
  seed: 4,
  durationMs: seconds(15),
  steps: [
    { atMs: 1_500, forMs: 1_500, kind: 'redis_restart' },
    { atMs: 3_500, forMs: 1_500, kind: 'postgres_restart' },
    { atMs: 4_000, forMs: 800, kind: 'redis_full' },
    { atMs: 5_200, forMs: 800, kind: 'redis_rights', right: 'evalsha' },
    { atMs: 5_500, forMs: 0, kind: 'kill', slot: 'worker-1' },
    { atMs: 6_000, forMs: 2_000, kind: 'outside', service: 'telegram', trouble: 'error', rate: 0.5 },
    { atMs: 6_500, forMs: 0, kind: 'schema', change: 'add_column' },
    { atMs: 7_500, forMs: 1_000, kind: 'postgres_freeze' },
    { atMs: 8_500, forMs: 0, kind: 'term', slot: 'worker-2' },
    { atMs: 9_000, forMs: 1_000, kind: 'redis_pull' },
    { atMs: 9_500, forMs: 800, kind: 'postgres_read_only' },
    { atMs: 10_000, forMs: 0, kind: 'output_closed', slot: 'worker-2' },
    { atMs: 10_500, forMs: 0, kind: 'redis_flush' },
    { atMs: 11_000, forMs: 2_000, kind: 'outside', service: 'panel', trouble: 'cut_after', rate: 0.5 },
    { atMs: 11_500, forMs: 0, kind: 'kill', slot: 'scheduler' },
    { atMs: 12_500, forMs: 500, kind: 'redis_kill' },
    { atMs: 13_000, forMs: 0, kind: 'kill', slot: 'worker-1' },
  ],
};

test(
  'servers restarted, killed, emptied, frozen, cut off and refusing, workers killed and stopped, outside services failing, all under load: every promise holds',
  async () => {
    const { evidence, violations } = await run(PLAN, {
      notificationsPerSecond: 40,
      isShort: true,
      log: () => undefined,
    });
    expect(violations.length > 0 ? failureReport(PLAN, evidence, violations).join('\n') : '').toBe('');
    const { asked, delivered } = countMessages(evidence);
    expect(delivered).toBeGreaterThan(asked / 2);
    expect(evidence.asked.payments.length).toBeGreaterThan(5);
    // On a busy machine nobody reads a message of these seconds in time to answer it by a button.
    const begun = Object.entries(evidence.asked.beside).filter(([part]) => !part.endsWith('by a button'));
    expect(begun.filter(([, count]) => count === 0)).toEqual([]);
  },
  minutes(5),
);

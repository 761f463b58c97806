import type { Evidence, JobEvidence, Violation } from '../evidence.ts';
import { DRY_TEXT } from '../load/dry-runs.ts';
import { DECLINED_BYTES, isDeclined, isHeld } from '../load/staff-bot.ts';
import { flushedAt } from './doubts.ts';

/** What staff decided is carried out: a broadcast that was sent ends as sent, one that was cancelled as cancelled. */
export function decisionsWrong({ asked, broadcasts }: Evidence): Violation[] {
  return asked.broadcasts
    .filter(({ id, wish }) => wish !== undefined && broadcasts.get(id) !== wish)
    .map(({ atMs, id, wish }) => ({
      rule: 'each decision carried out',
      atMs,
      what: `broadcast ${id} is ${broadcasts.get(id) ?? 'gone'}, should be ${wish}`,
    }));
}

/** What the brake holds waits for the word of staff, and what they decline does not happen. */
export function heldWrong({ asked, deliveries, panelUsers }: Evidence): Violation[] {
  const rule = 'each decision carried out';
  const untilMs = asked.letGoAtMs ?? Number.POSITIVE_INFINITY;
  return [
    ...[...deliveries]
      .filter(([key, [atMs]]) => isHeld(key) && atMs! < untilMs)
      .map(([key, [atMs]]) => ({ rule, atMs: atMs!, what: `before anybody let it go: ${key}` })),
    ...[...panelUsers]
      .filter(([name, { usedBytes }]) => isDeclined(name) && usedBytes !== DECLINED_BYTES)
      .map(([name]) => ({ rule, atMs: 0, what: `the traffic of ${name} was reset, which nobody let run` })),
  ];
}

/** A dry run ends, names all whom the run would touch, and touches nobody; those it names for a change of users are found by another rule. */
export function dryRunsWrong({ asked, deliveries, dryRuns, events }: Evidence): Violation[] {
  const rule = 'a dry run only tells';
  const flushMs = flushedAt(events);
  const sent = [...deliveries].filter(([key]) => key.endsWith(` ${DRY_TEXT}`));
  return [
    ...sent.map(([key, [atMs]]) => ({ rule, atMs: atMs!, what: `somebody got the message of a dry run: ${key}` })),
    ...asked.dryRuns.flatMap(({ atMs, jobId, task, wouldTouch }) => {
      const { error, result, state = 'missing' }: Partial<JobEvidence> = dryRuns.get(jobId) ?? {};
      if (state === 'missing' && flushMs !== undefined && atMs < flushMs) return [];
      // It is not tried again: who asked reads why.
      if (state === 'failed' && error) return [];
      if (state !== 'completed') return [{ rule, atMs, what: `the one of ${task} is ${state}` }];
      const named = result?.would_touch;
      return named === wouldTouch ? [] : [{ rule, atMs, what: `the one of ${task} names ${named}, not ${wouldTouch}` }];
    }),
  ];
}

import type { Machine } from '../../bench/harness/machine.ts';
import { seconds } from '../../src/lib/duration.ts';
import type { Evidence, Violation } from './evidence.ts';
import { countMessages, type MessageCounts } from './invariants/messages.ts';
import type { Beside } from './load/asked.ts';
import type { Plan } from './plan.ts';

/** One run in one line of a table. */
export type Summary = {
  seed: number;
  faults: Readonly<Record<string, number>>;
  messages: MessageCounts;
  payments: { asked: number; paid: number };
  bulk: number;
  exports: { asked: number; failed: number };
  taskiq: number;
  /** How many of each other part of the load. A record may be older than some of them. */
  beside?: Readonly<Partial<Record<Beside, number>>>;
  durationMs: number;
  /** The number of broken promises, and of losses among them. */
  violations: number;
  lost: number;
};

/** Several runs in a row, stored in `bench/results/chaos.json` for `docs/chaos.md`. */
export type ChaosRecord = { at: string; machine: Machine; runs: readonly Summary[] };

/** A line of Markdown for each run. */
export function recordTable(runs: readonly Summary[]): string[] {
  const columns = [
    'seed',
    'faults',
    'kills',
    'messages',
    'lost',
    'gone with the emptied Redis',
    'mails of unknown outcome',
    'sent again',
    'in flight at a fault',
    'in doubt',
    'payments, paid',
    'bulk',
    'exports',
    'TaskIQ',
    'broken promises',
  ];
  const rows = runs.map(({ bulk, exports, faults, lost, messages, payments, seed, taskiq, violations }) => [
    seed,
    Object.entries(faults).reduce((sum, [kind, n]) => (kind === 'skipped' ? sum : sum + n), 0),
    faults.kill ?? 0,
    messages.asked,
    lost,
    messages.excused,
    messages.unknown,
    messages.duplicates,
    messages.inFlight,
    messages.inDoubt,
    `${payments.asked}, ${payments.paid}`,
    bulk,
    exports.asked,
    taskiq,
    violations === 0 ? 'none' : `**${violations}**`,
  ]);
  return [columns, columns.map(() => '---:'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

export function summaryOf(plan: Plan, evidence: Evidence, violations: readonly Violation[]): Summary {
  const { asked, events, exports } = evidence;
  const faults: Record<string, number> = {};
  for (const { kind } of events) if (kind !== 'calm') faults[kind] = (faults[kind] ?? 0) + 1;
  return {
    seed: plan.seed,
    faults,
    messages: countMessages(evidence),
    payments: {
      asked: asked.payments.length,
      paid: asked.payments.filter(({ mood }) => mood === 'pays' || mood === 'silent').length,
    },
    bulk: asked.bulk.length,
    exports: {
      asked: asked.exports.length,
      failed: [...exports.values()].filter(({ state }) => state === 'failed').length,
    },
    taskiq: asked.taskiq.length,
    beside: asked.beside,
    durationMs: plan.durationMs,
    violations: violations.length,
    lost: violations.filter(({ rule }) => rule === 'nothing lost').length,
  };
}

/** The report shows the first violation and only the faults within this time before it. */
const BEFORE_MS = seconds(45);
const SHOWN = 12;

/** The facts that explain a failed run: the seed, the broken promises, and the faults before them. */
export function failureReport(plan: Plan, evidence: Evidence, violations: readonly Violation[]): string[] {
  const { events, startedAtMs } = evidence;
  const at = (ms: number): string =>
    ms < startedAtMs ? '  end  ' : `${((ms - startedAtMs) / 1000).toFixed(1).padStart(6)}s`;
  const [first] = violations.filter(({ atMs }) => atMs >= startedAtMs);
  const untilMs = first ? first.atMs + seconds(2) : Number.POSITIVE_INFINITY;
  const sinceMs = first ? first.atMs - BEFORE_MS : 0;
  const near = events.filter(({ fromMs, toMs }) => fromMs <= untilMs && (toMs ?? untilMs) >= sinceMs);
  const kinds = new Map<string, number>();
  for (const { rule } of violations) kinds.set(rule, (kinds.get(rule) ?? 0) + 1);
  return [
    `seed ${plan.seed}: ${violations.length} broken (${[...kinds].map(([rule, n]) => `${rule}: ${n}`).join('; ')})`,
    `repeat with: make chaos SEED=${plan.seed} MINUTES=${plan.durationMs / 60_000}`,
    '',
    'timeline up to the first broken observation:',
    ...near.map(({ fromMs, toMs, what }) => `  ${at(fromMs)} to ${toMs === undefined ? '   ...' : at(toMs)}  ${what}`),
    ...(first ? [`  ${at(first.atMs)}            FIRST BROKEN: ${first.rule}: ${first.what}`] : []),
    '',
    'broken:',
    ...violations.slice(0, SHOWN).map(({ atMs, rule, what }) => `  ${at(atMs)}  ${rule}: ${what}`),
    ...(violations.length > SHOWN ? [`  and ${violations.length - SHOWN} more`] : []),
  ];
}

export function summaryLines(summary: Summary): string[] {
  const { bulk, exports, faults, messages, payments, taskiq } = summary;
  return [
    `faults: ${Object.entries(faults)
      .map(([kind, n]) => `${kind} ${n}`)
      .join(', ')}`,
    `messages: ${messages.asked} asked for, ${messages.delivered} arrived, ${messages.duplicates} of them again, ` +
      `${messages.inFlight} in flight at a fault, ${messages.unknown} mails of unknown outcome, ` +
      `${messages.excused} lost with the emptied Redis that alone knew them`,
    `payments: ${payments.asked}, ${payments.paid} of them paid; bulk operations: ${bulk}; ` +
      `exports: ${exports.asked}, ${exports.failed} failed and told; TaskIQ messages: ${taskiq}`,
  ];
}

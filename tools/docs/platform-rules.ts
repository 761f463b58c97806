import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { SERIES } from '../../src/observability/series.ts';

/** Names that were taken down from the platform; none of its expressions. */
const RECORDED = new URL('../../test/originals/platform/rules.json', import.meta.url);

const readsOfFile = { file: z.string(), reads: z.array(z.string()) };
const recorded = z.object({
  commit: z.string(),
  worker_metrics: z.array(z.string()),
  dashboards: z.array(z.object(readsOfFile)),
  rules: z.array(z.object({ ...readsOfFile, alert: z.string().optional(), record: z.string().optional() })),
});
type Recorded = z.infer<typeof recorded>;

/** What becomes of a rule or a dashboard. */
export type Fate = 'unchanged' | 'ours' | 'python' | 'replaced';
export type FatedRule = {
  file: string;
  name: string;
  isAlert: boolean;
  fate: Fate;
  reason: string;
  reads: readonly string[];
};

/** Rules that are wrong with this worker, and why; `deploy/prometheus/platform/worker_alerts.yml` has them mended. */
const REPLACED: Readonly<Record<string, string>> = {
  HighTaskErrorRate:
    'It divides a series by itself: both sides match the status `error`, so one error in five minutes makes 100 %',
  HighExternalAPIFailureRate:
    'It divides a series by itself: both sides match the statuses 5xx, so one 502 in five minutes makes 100 %',
  NoTasksProcessed:
    'It looks at each task apart, and most run less than every ten minutes: it fires forever. A `sum()` belongs around its rate',
  HighTaskDuration: 'It counts exports, bulk operations and broadcasts, which have no time limit: a long one fires it',
  PublicNetworkDpiPublisherStale: 'Its `absent()` fires forever where no Python worker is scraped',
  PartnerBotProvisioningTaskStale: 'Its `absent()` fires forever where no Python worker is scraped',
  AuthEmailDeliveryDegraded:
    'It takes half an hour without an e-mail for a failure: 0 divided by 1e-9 is 0, which is below 90 %',
};

/** Work that stays with the Python worker, by the beginning of its metrics' names. */
const PYTHON_WORK: Readonly<Record<string, string>> = {
  cybervpn_growth_reporting_: 'growth reports',
  cybervpn_messaging_: 'the messaging outbox',
  cybervpn_partner_bot_: 'partner bots',
  cybervpn_public_network_dpi_: 'the DPI score',
  cybervpn_stage1_payment_reconciliation_: 'Stage-1 payments',
  cybervpn_stage1_provisioning_retry_: 'Stage-1 provisioning',
};
/** They are declared by the Python worker and counted by nobody, so what reads them shows nothing, now as before. */
const NEVER_COUNTED = new Set(['cybervpn_otp_verified_total']);

const OURS: ReadonlySet<string> = new Set(Object.values(SERIES).map(({ name }) => name));
const base = (metric: string): string => metric.replace(/_(?:bucket|sum|count)$/, '');

/** Every rule of the platform and every dashboard that reads a worker's metric, with what becomes of it. */
export async function platformFates(): Promise<{ commit: string; rules: FatedRule[]; dashboards: FatedRule[] }> {
  const platform = recorded.parse(JSON.parse(await readFile(RECORDED, 'utf8')));
  const workerMetrics = workerMetricsOf(platform);
  const fated = (rule: Recorded['rules'][number]): FatedRule => {
    const { alert, file, reads, record } = rule;
    const name = alert ?? record ?? file;
    const metrics = reads.flatMap((read) => workerMetrics(read));
    return { file, name, isAlert: alert !== undefined, ...fateOf(name, metrics), reads: metrics };
  };
  return { commit: platform.commit, rules: platform.rules.map(fated), dashboards: platform.dashboards.map(fated) };
}

/** The metrics of a worker that a name stands for: itself, or what a recording rule of that name reads. */
function workerMetricsOf({ rules, worker_metrics }: Recorded): (name: string) => string[] {
  const recordings = new Map(rules.flatMap(({ reads, record }) => (record === undefined ? [] : [[record, reads]])));
  const known = new Set(worker_metrics);
  const below = (name: string, above: readonly string[] = []): string[] => {
    if (known.has(base(name))) return [base(name)];
    if (above.includes(name)) return [];
    return (recordings.get(name) ?? []).flatMap((read) => below(read, [...above, name]));
  };
  return (name) => [...new Set(below(name))];
}

function fateOf(name: string, metrics: readonly string[]): { fate: Fate; reason: string } {
  const replaced = REPLACED[name];
  if (replaced !== undefined) return { fate: 'replaced', reason: replaced };
  const foreign = metrics.filter((metric) => !OURS.has(metric) && !NEVER_COUNTED.has(metric));
  const list = (names: readonly string[]): string => [...new Set(names)].map((one) => `\`${one}\``).join(', ');
  if (foreign.length > 0)
    return { fate: 'python', reason: `${list(foreign)}: ${[...new Set(foreign.map(workOf))].join(', ')}` };
  if (metrics.length > 0) return { fate: 'ours', reason: list(metrics.filter((metric) => OURS.has(metric))) };
  return { fate: 'unchanged', reason: '' };
}

/** Throws for a metric that nobody has thought of: neither ours nor known to stay with the Python worker. */
function workOf(metric: string): string {
  const work = Object.entries(PYTHON_WORK).find(([beginning]) => metric.startsWith(beginning))?.[1];
  if (work === undefined)
    throw new Error(`${metric} is read by the platform and is neither in SERIES nor in PYTHON_WORK`);
  return work;
}

const FATES: Readonly<Record<Exclude<Fate, 'unchanged'>, string>> = {
  ours: 'goes on with our series',
  python: 'needs the Python worker scraped as well',
  replaced: '**broken**: replaced by ours',
};

/** The part of docs/migration.md that lists every rule. */
export async function platformRules(): Promise<string> {
  const { commit, dashboards, rules } = await platformFates();
  const row = ({ fate, file, name, reason }: FatedRule): string =>
    `| \`${name}\` | ${name === file ? '' : `\`${file}\``} | ${FATES[fate as keyof typeof FATES]} | ${reason} |`;
  const head = ['| rule | file | what becomes of it | reads, or why |', '|---|---|---|---|'];
  const concerned = rules.filter(({ fate }) => fate !== 'unchanged');
  const others = Map.groupBy(
    rules.filter(({ fate }) => fate === 'unchanged'),
    ({ file }) => file,
  );
  return [
    `Of commit \`${commit}\`: ${rules.length} rules, of which ${concerned.length} read a metric of a worker.`,
    '',
    ...head,
    ...concerned.map(row),
    ...dashboards.map(row),
    '',
    'Unchanged, because no metric of a worker is read:',
    '',
    '| file | rules |',
    '|---|---|',
    ...[...others].map(([file, those]) => `| \`${file}\` | ${those.map(({ name }) => `\`${name}\``).join(', ')} |`),
  ].join('\n');
}

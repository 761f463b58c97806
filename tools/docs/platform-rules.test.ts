import { readFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SERIES } from '../../src/observability/series.ts';
import { loadTasks } from '../../src/runtime/registry.ts';
import { type FatedRule, platformFates } from './platform-rules.ts';

/** The Python worker declares it and never counts it. */
const NEVER_COUNTED = 'cybervpn_otp_verified_total';

let rules: FatedRule[];
let dashboards: FatedRule[];
beforeAll(async () => {
  ({ dashboards, rules } = await platformFates());
});

const fateOf = (name: string): string | undefined => rules.find((rule) => rule.name === name)?.fate;

test.each([
  ['TaskWorkerDown', 'unchanged'],
  ['TaskQueueBacklog', 'ours'],
  ['EmailQueueBacklog', 'ours'],
  ['auth:otp_delivery_success_rate:1h', 'ours'],
  // By a recording rule.
  ['Stage1WorkerTaskErrorRatioHigh', 'ours'],
  ['Stage2ProvisioningRetryBacklog', 'python'],
  ['Stage1PaidButNoAccessP0Blocker', 'python'],
  ['CustomerGrowthReportingRefreshStale', 'python'],
  ['HighTaskErrorRate', 'replaced'],
  ['AuthEmailDeliveryDegraded', 'replaced'],
  ['HighAuthFailureRate', 'unchanged'],
])('%s: %s', (name, fate) => {
  expect(fateOf(name)).toBe(fate);
});

test('every rule stands on the migration page by its name, once', async () => {
  const page = await readFile(new URL('../../docs/migration.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('<!-- platform-rules'), page.indexOf('<!-- /platform-rules'));
  expect(rules.length).toBeGreaterThan(360);
  expect(rules.filter(({ name }) => !table.includes(`\`${name}\``))).toEqual([]);
});

test('each rule and dashboard that reads a metric of a worker has our series, or its reason', () => {
  const ours = new Set(Object.values(SERIES).map(({ name }) => name));
  for (const { fate, name, reads, reason } of [...rules, ...dashboards]) {
    if (fate === 'ours')
      expect(
        reads.filter((read) => !ours.has(read) && read !== NEVER_COUNTED),
        name,
      ).toEqual([]);
    else if (reads.length > 0) expect(reason.length, name).toBeGreaterThan(20);
  }
});

test('its HighTaskDuration leaves out the tasks without a time limit, and only those', async () => {
  const file = new URL('../../deploy/prometheus/platform/worker_alerts.yml', import.meta.url);
  const leftOut = /task_name!~"([\w|]+)"/.exec(await readFile(file, 'utf8'))![1]!.split('|');
  const { tasks } = await loadTasks();
  const unlimited = tasks.filter(({ timeLimitMs }) => timeLimitMs === 'none').map(({ name }) => name);
  expect(leftOut).toEqual(unlimited.toSorted());
});

test('the ready file has every alert of the one that it replaces, and each that is called broken', async () => {
  const file = new URL('../../deploy/prometheus/platform/worker_alerts.yml', import.meta.url);
  const { groups } = parse(await readFile(file, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
  const shipped = groups.flatMap((group) => group.rules.map(({ alert }) => alert));
  const due = rules.filter((rule) => rule.file === 'worker_alerts.yml' || rule.fate === 'replaced');
  expect(shipped).toHaveLength(due.length);
  expect(new Set(shipped)).toEqual(new Set(due.map(({ name }) => name)));
});

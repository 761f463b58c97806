import { readdir, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { SERIES } from '../../../src/observability/series.ts';
import type { MonitoringPrograms } from '../../../src/testing/servers/binaries.ts';
import { check, installedPrograms } from './programs.ts';
import { metricsOf } from './promql.ts';
import { DEPLOY, RULE_TESTS, RULES, type Rule, shippedDashboards, shippedPrometheus, shippedRules } from './shipped.ts';

const MENDED_RULES_TEST = `${DEPLOY}prometheus/platform/tests/worker_alerts.test.yml`;

/** Five minutes for a first installation. */
const INSTALL_LIMIT_MS = 300_000;

let programs: MonitoringPrograms;
let rules: Rule[];
beforeAll(async () => {
  programs = await installedPrograms();
  rules = await shippedRules();
}, INSTALL_LIMIT_MS);

const alerts = (): Rule[] => rules.filter(({ alert }) => alert !== undefined);

describe('Prometheus', () => {
  test('takes the configuration and every rule, templates included', async () => {
    const checked = await check(programs.promtool, ['check', 'config', `${DEPLOY}prometheus/prometheus.yml`]);
    expect(checked.ok, checked.text).toBe(true);
    for (const file of await readdir(RULES)) expect(checked.text).toContain(file);
  });

  test('scrapes what all workers share once, and what each does from each', async () => {
    const shared = Object.values(SERIES).filter(({ scope }) => scope === 'installation');
    const jobs = new Map((await shippedPrometheus()).scrape_configs.map((job) => [job.job_name, job]));
    for (const [name, action] of [
      ['cybervpn-worker', 'drop'],
      ['cybervpn-scheduler', 'drop'],
      ['cybervpn-shared', 'keep'],
    ] as const) {
      const [relabel] = jobs.get(name)!.metric_relabel_configs!;
      expect(relabel).toMatchObject({ action });
      const matches = new RegExp(`^(?:${relabel!.regex})$`);
      const matched = Object.values(SERIES).filter((one) => matches.test(one.name));
      expect(matched.map((one) => one.name).sort(), name).toEqual(shared.map((one) => one.name).sort());
    }
  });
});

describe('an alert', () => {
  test('fires when it should and not otherwise: promtool', async () => {
    const files = (await readdir(RULE_TESTS)).map((file) => RULE_TESTS + file);
    const checked = await check(programs.promtool, ['test', 'rules', ...files, MENDED_RULES_TEST]);
    expect(checked.ok, checked.text).toBe(true);
  });

  test('has such a test: one where it fires, one where everything is in order', async () => {
    for (const [file, those] of Map.groupBy(alerts(), (rule) => rule.file)) {
      const path = `${RULE_TESTS}${file.replace('.yml', '.test.yml')}`;
      const { tests } = parse(await readFile(path, 'utf8')) as {
        tests: {
          name: string;
          input_series: { series: string }[];
          promql_expr_test: { exp_samples: { labels: string }[] }[];
        }[];
      };
      const expected = tests.flatMap((one) => one.promql_expr_test.flatMap(({ exp_samples }) => exp_samples));
      for (const { alert } of those) {
        expect(expected.filter(({ labels }) => labels.includes(`"${alert}"`)).length, alert).toBeGreaterThan(0);
      }
      const inOrder = tests.find(({ name }) => name.startsWith('in order'))!;
      expect(
        inOrder.promql_expr_test.flatMap(({ exp_samples }) => exp_samples),
        path,
      ).toEqual([]);
      // The absence of an alert proves something only for metrics that were measured.
      const there = new Set(inOrder.input_series.flatMap(({ series }) => metricsOf(series)));
      for (const { alert, expr } of those)
        expect(
          scrapedFor(expr).filter((metric) => !there.has(metric)),
          `${alert}: ${path}`,
        ).toEqual([]);
    }
  });

  test('says what happened, what to do, how bad it is, and where that is explained', async () => {
    const headings = (await readFile(`${DEPLOY}../docs/runbooks.md`, 'utf8')).matchAll(/^### (.*)$/gm);
    const anchors = new Set([...headings].map(([, heading]) => anchorOf(heading!)));
    for (const { alert, annotations, labels } of alerts()) {
      // What `value` is for: tools/docs/runbooks.test.ts.
      const { action, description, runbook_url: runbook, summary, value: _, ...others } = annotations;
      expect(others, alert).toEqual({});
      for (const text of [action, description, summary]) expect(text?.length, alert).toBeGreaterThan(10);
      expect(labels.severity, alert).toMatch(/^(?:critical|warning)$|\bcritical\b.*\bwarning\b/);
      expect(labels.service, alert).toBe('cybervpn-worker');
      const anchor = /docs\/runbooks\.md#(\w+)/.exec(runbook!)?.[1];
      const inConsole = `{{ with $externalLabels.task_worker }}{{ . }}/runbooks/${alert}`;
      expect(runbook, alert).toBe(`${inConsole}{{ else }}docs/runbooks.md#${anchor}{{ end }}`);
      expect(anchors, alert).toContain(anchor);
    }
  });

  test('carries names of its own, none of the platform’s', () => {
    const names = alerts().map(({ alert }) => alert!);
    expect(new Set(names).size).toBe(names.length);
    const platform = [
      'TaskWorkerDown',
      'HighTaskErrorRate',
      'TaskQueueBacklog',
      'HighTaskDuration',
      'NoTasksProcessed',
    ];
    expect(names.filter((name) => platform.includes(name))).toEqual([]);
  });
});

test('rules and dashboards ask only for metrics that exist', async () => {
  const known = new Set([
    ...Object.values(SERIES).flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`] : [name])),
    ...rules.flatMap(({ record }) => record ?? []),
    // Metrics of Prometheus itself and Node's default ones.
    ...[
      'up',
      'ALERTS',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
    ],
  ]);
  const panels = (await shippedDashboards()).flatMap((dashboard) => dashboard.panels);
  const queries = panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m')),
  );
  const asked = [...rules.map(({ expr }) => expr), ...queries].flatMap(metricsOf);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});

describe('Grafana', () => {
  test('keeps each dashboard under an id of its own, beside the platform’s', async () => {
    const uids = (await shippedDashboards()).map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(6);
    expect(uids).not.toContain('cybervpn-worker');
    for (const uid of uids) expect(uid).toMatch(/^[a-z-]{5,40}$/);
  });

  test('every panel has an id of its own, says what it shows, and asks something', async () => {
    for (const { panels, title } of await shippedDashboards()) {
      const shown = panels.filter(({ type }) => type !== 'row');
      expect(new Set(shown.map(({ id }) => id)).size, title).toBe(shown.length);
      for (const panel of shown) {
        expect(panel.description?.length, `${title}: ${panel.title}`).toBeGreaterThan(8);
        expect(panel.targets?.length, `${title}: ${panel.title}`).toBeGreaterThan(0);
      }
    }
  });

  test('finds datasources and dashboards as provisioned', async () => {
    const folder = `${DEPLOY}grafana/provisioning/`;
    const read = async (file: string) => parse(await readFile(folder + file, 'utf8'));
    const { datasources } = (await read('datasources/prometheus.yml')) as {
      datasources: { type: string; url: string }[];
    };
    expect(datasources.map(({ type, url }) => [type, url])).toEqual([
      ['prometheus', 'http://prometheus:9090'],
      ['alertmanager', 'http://alertmanager:9093'],
    ]);
    const { providers } = (await read('dashboards/cybervpn.yml')) as { providers: { options: { path: string } }[] };
    expect(providers[0]?.options.path).toBe('/etc/grafana/dashboards');
  });
});

/** The scraped metrics that an expression depends on, through recording rules too. */
function scrapedFor(expression: string): string[] {
  return metricsOf(expression).flatMap((metric) => {
    const recorded = rules.find(({ record }) => record === metric);
    return recorded ? scrapedFor(recorded.expr) : [metric];
  });
}

/** The anchor that GitHub makes from a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}

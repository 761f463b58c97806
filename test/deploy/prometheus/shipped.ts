import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'yaml';

/** `deploy/`, as a path. */
export const DEPLOY = new URL('../../../deploy/', import.meta.url).pathname;
export const RULES = `${DEPLOY}prometheus/rules/`;
export const RULE_TESTS = `${DEPLOY}prometheus/tests/`;

export type Rule = {
  file: string;
  expr: string;
  record?: string;
  alert?: string;
  for?: string;
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
};

/** All rules of a file as Prometheus reads it. */
export function rulesIn(file: string, text: string): Rule[] {
  const { groups } = parse(text) as { groups: { rules: Partial<Rule>[] }[] };
  return groups.flatMap(({ rules }) => rules.map((rule) => ({ expr: '', labels: {}, annotations: {}, ...rule, file })));
}

/** Every rule that ships. */
export async function shippedRules(): Promise<Rule[]> {
  const files = await readdir(RULES);
  return (await Promise.all(files.map(async (file) => rulesIn(file, await readFile(RULES + file, 'utf8'))))).flat();
}

export type Target = { expr: string; refId: string };
export type Panel = { id: number; title: string; type: string; description?: string; targets?: Target[] };
type Variable = { name: string; type: string; query?: string };
export type Dashboard = { uid: string; title: string; panels: Panel[]; templating: { list: Variable[] } };

/** Every dashboard that ships. */
export async function shippedDashboards(): Promise<Dashboard[]> {
  const folder = `${DEPLOY}grafana/dashboards/`;
  const files = await readdir(folder);
  return await Promise.all(files.map(async (file) => JSON.parse(await readFile(folder + file, 'utf8')) as Dashboard));
}

export type ScrapeJob = {
  job_name: string;
  dns_sd_configs?: unknown;
  static_configs?: { targets: string[] }[];
  metric_relabel_configs?: { regex: string; action: string }[];
};

export type PrometheusConfiguration = {
  global: Record<string, string>;
  rule_files: string[];
  alerting?: unknown;
  scrape_configs: ScrapeJob[];
};

export async function shippedPrometheus(): Promise<PrometheusConfiguration> {
  return parse(await readFile(`${DEPLOY}prometheus/prometheus.yml`, 'utf8')) as PrometheusConfiguration;
}

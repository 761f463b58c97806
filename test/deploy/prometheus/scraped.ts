import { stringify } from 'yaml';
import type { LocalServer } from '../../../src/testing/servers/local-server.ts';
import { DEPLOY, shippedPrometheus } from './shipped.ts';

/** The targets in a test for each job of the shipped configuration. */
export type Targets = Readonly<Record<string, string>>;

/**
 * The shipped configuration for a test: real targets instead of names in a container network, a scrape and an evaluation each second, and
 * `moreRules`. Relabelling and rules are the shipped ones. Jobs without a target are left out.
 */
export async function testConfiguration(targets: Targets, moreRules: readonly string[]): Promise<string> {
  const { alerting, ...shipped } = await shippedPrometheus();
  return stringify({
    ...shipped,
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [...shipped.rule_files.map((path) => `${DEPLOY}prometheus/${path}`), ...moreRules],
    scrape_configs: shipped.scrape_configs
      .filter(({ job_name }) => job_name in targets)
      .map(({ dns_sd_configs, ...job }) => ({ ...job, static_configs: [{ targets: [targets[job.job_name]!] }] })),
  });
}

type Answer = {
  status: string;
  error?: string;
  data: { result: { metric: Record<string, string>; values: unknown[] }[] };
};

/** Queries a Prometheus as a panel does: over a period, in steps of a second. */
export class Asker {
  readonly #server: LocalServer;
  readonly #startedAt = Date.now() / 1000;

  constructor(server: LocalServer) {
    this.#server = server;
  }

  /** The labels of each series that had a value since the start. Throws Prometheus' message for a query that it does not understand. */
  async series(query: string): Promise<Record<string, string>[]> {
    const window = { start: String(this.#startedAt), end: String(Date.now() / 1000), step: '1' };
    const body = new URLSearchParams({ query, ...window });
    const answer = (await (
      await fetch(`${this.#server.url}/api/v1/query_range`, { method: 'POST', body })
    ).json()) as Answer;
    if (answer.status !== 'success') throw new Error(`${query}: ${answer.error}`);
    return answer.data.result.filter(({ values }) => values.length > 0).map(({ metric }) => metric);
  }

  /** The errors of rules, by their names. */
  async brokenRules(): Promise<string[]> {
    type Rules = { data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] } };
    const answer = (await (await fetch(`${this.#server.url}/api/v1/rules`)).json()) as Rules;
    return answer.data.groups.flatMap(({ rules }) =>
      rules
        .filter(({ health }) => health !== 'ok')
        .map(({ health, lastError, name }) => `${name}: ${lastError ?? health}`),
    );
  }
}

import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { STAFF_BOT_TOKEN } from '../../sandbox/telegram/server.ts';
import { SERIES } from '../../src/observability/series.ts';
import { startPrometheus } from '../../src/testing/servers/monitoring.ts';
import { until } from '../../src/testing/until.ts';
import { scrape } from '../../src/testing/world/metrics.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { platformFates } from '../../tools/docs/platform-rules.ts';
import { installedPrograms } from './prometheus/programs.ts';
import { measured, selectorsOf } from './prometheus/promql.ts';
import { Asker, testConfiguration } from './prometheus/scraped.ts';
import { DEPLOY, rulesIn, shippedDashboards, shippedRules } from './prometheus/shipped.ts';
import { doEverything } from './prometheus/work.ts';

const MENDED_RULES = `${DEPLOY}prometheus/platform/worker_alerts.yml`;
const PLATFORM_RULES = new URL('prometheus/platform-rules.yml', import.meta.url).pathname;

/** Queries that have no answer in a young and healthy world, with the reason. All others must have one. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  'absent(up{job="cybervpn-worker"} == 1)': 'a worker is up',
  'absent(up{job="cybervpn-scheduler"} == 1)': 'a scheduler is up',
  'absent(cybervpn_schedule_overdue)': 'schedules are known',
  'absent(cybervpn_redis_memory_bytes{what="used"})': 'Redis answers',
  'absent(cybervpn_queue_jobs{queue="notification_queue"})': 'PostgreSQL answers',
  'max by (kind) (cybervpn_dead_letters) - max by (kind) (cybervpn_dead_letters offset 15m)': 'nothing is that old yet',
  cybervpn_worker_memory_limit_bytes: 'only a container has a limit',
};

/** A first installation of Prometheus takes minutes; everything else is up in seconds. */
const SETUP_LIMIT_MS = 400_000;
/** Everything has been scraped and evaluated a few times by then, on any machine. */
const ANSWER_LIMIT_MS = 60_000;

let world: World;
let worker: RoleProcess;
let asker: Asker;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  await installedPrograms();
  world = stack.use(
    await World.start({
      seed: true,
      mail: true,
      panel: { users: 20, nodes: 3 },
      env: { WORKER_CONCURRENCY: '2', TELEGRAM_RATE_PER_SECOND: '1000', ADMIN_BOT_TOKEN: STAFF_BOT_TOKEN },
    }),
  );
  worker = await world.startWorker();
  const scheduler = await world.startScheduler();
  const address = ({ httpUrl }: RoleProcess): string => new URL(httpUrl).host;
  const targets = {
    'cybervpn-worker': address(worker),
    'cybervpn-scheduler': address(scheduler),
    'cybervpn-shared': address(worker),
  };
  asker = new Asker(stack.use(await startPrometheus(await testConfiguration(targets, [PLATFORM_RULES, MENDED_RULES]))));
  await doEverything(world, worker);
  world.telegram.staff.write({ id: Number(world.env.ADMIN_TELEGRAM_IDS) }, '/help');
}, SETUP_LIMIT_MS);
afterAll(() => stack.disposeAsync());

/** Resolves when all queries have an answer; rejects with those that have none. */
async function expectAnswers(queries: Iterable<string>): Promise<void> {
  let left = [...new Set(queries)].filter((query) => !(query in MAY_BE_EMPTY));
  expect(left.length).toBeGreaterThan(0);
  const look = async (): Promise<boolean> => {
    const found = await Promise.all(left.map((query) => asker.series(query)));
    left = left.filter((_, i) => found[i]!.length === 0);
    return left.length === 0;
  };
  await until('all have an answer', look, ANSWER_LIMIT_MS).catch(() => expect(left, 'without an answer').toEqual([]));
}

/** Fills in a panel's query as Grafana does. */
const filledIn = (query: string): string =>
  query.replaceAll('$__rate_interval', '10s').replaceAll(/"\$(?:task|type|service)"/g, '".*"');

describe('a running worker, scraped by a real Prometheus', () => {
  test('shows every metric that it has', async () => {
    const names = Object.values(SERIES).map(({ name, type }) => (type === 'histogram' ? `${name}_count` : name));
    await expectAnswers(names);
  });

  test('shows every task, also those that have not run', async () => {
    const shown = await asker.series('sum by (task_name) (taskiq_task_total)');
    const { stdout } = await world.command(['tasks', '--json']);
    const tasks = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    expect(new Set(shown.map(({ task_name }) => task_name))).toEqual(new Set(tasks));
  });

  test('what all share is there once, although worker and scheduler both show it', async () => {
    expect(await scrape(world.processes[1]!.httpUrl)).toContain('cybervpn_queue_depth{queue="sync"}');
    expect(await asker.series('cybervpn_queue_depth{queue="sync"}')).toMatchObject([{ job: 'cybervpn-shared' }]);
    expect(await asker.series('cybervpn_task_info{task_name="sync_user_stats"}')).toHaveLength(2);
  });

  test('has series for everything that the platform’s rules and dashboards ask for', async () => {
    const rules = rulesIn('platform', await readFile(PLATFORM_RULES, 'utf8'));
    await expectAnswers(rules.flatMap(({ expr }) => [measured(expr), ...selectorsOf(expr)]));
  });

  test('has series for every metric of a worker that the platform reads and this worker has taken over', async () => {
    const { dashboards, rules } = await platformFates();
    const ours = new Map(
      Object.values(SERIES).map(({ name, type }) => [name, type === 'histogram' ? `${name}_count` : name]),
    );
    const read = [...rules, ...dashboards].flatMap(({ reads }) => reads);
    await expectAnswers(read.flatMap((name) => ours.get(name) ?? []));
  });

  test('has an answer to every query of every dashboard', async () => {
    const dashboards = await shippedDashboards();
    const queries = dashboards.flatMap(({ panels }) => panels.flatMap(({ targets = [] }) => targets));
    await expectAnswers(queries.map(({ expr }) => filledIn(expr)));
    const choices = dashboards.flatMap(({ templating }) => templating.list.flatMap(({ query }) => query ?? []));
    const labels = choices.flatMap((query) => {
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
      return metric === undefined ? [] : [`count by (${label}) (${metric}{${label}!=""})`];
    });
    await expectAnswers(labels);
  });

  test('has what every rule records or holds against a limit, and no rule fails', async () => {
    const rules = await shippedRules();
    const asked = rules.flatMap(({ expr, record }) => [record ?? measured(expr), ...selectorsOf(expr)]);
    await expectAnswers(asked.map((query) => query.trim()));
    // A rule that has not been evaluated yet is neither good nor broken.
    const isKnown = async (): Promise<boolean> =>
      !(await asker.brokenRules()).some((rule) => rule.endsWith(': unknown'));
    await until('every rule has been evaluated', isKnown, ANSWER_LIMIT_MS);
    expect(await asker.brokenRules()).toEqual([]);
  });
});

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { startTelegramSandbox, type TelegramSandbox } from '../../sandbox/telegram/server.ts';
import { SAME_TROUBLE } from '../../src/domain/alerts/same-trouble.ts';
import type { MonitoringPrograms } from '../../src/testing/servers/binaries.ts';
import type { LocalServer } from '../../src/testing/servers/local-server.ts';
import { startAlertmanager } from '../../src/testing/servers/monitoring.ts';
import { until } from '../../src/testing/until.ts';
import { check, installedPrograms } from './prometheus/programs.ts';
import { DEPLOY, rulesIn, shippedRules } from './prometheus/shipped.ts';

const SHIPPED = `${DEPLOY}alertmanager/alertmanager.yml`;
const CHAT = -1001234567890;
/** Five minutes for a first installation. */
const INSTALL_LIMIT_MS = 300_000;

type Matchers = { source_matchers: string[]; target_matchers: string[]; equal?: string[] };
type TelegramReceiver = { bot_token_file?: string; bot_token?: string; api_url?: string; chat_id: number };
type Configuration = {
  templates: string[];
  route: { routes: object[] } & Record<string, unknown>;
  receivers: { name: string; telegram_configs: TelegramReceiver[] }[];
  inhibit_rules: Matchers[];
};

let programs: MonitoringPrograms;
let folder: string;
beforeAll(async () => {
  programs = await installedPrograms();
  folder = await mkdtemp(join(tmpdir(), 'alertmanager-test-'));
}, INSTALL_LIMIT_MS);
afterAll(() => rm(folder, { recursive: true }));

const shipped = async (): Promise<Configuration> => parse(await readFile(SHIPPED, 'utf8'));

/** Adapts the configuration to Debian's 0.25, which takes a token from the configuration only. Changes nothing else. */
async function forDebian(token: string, apiUrl: string): Promise<Configuration> {
  const configuration = await shipped();
  for (const { telegram_configs } of configuration.receivers) {
    for (const receiver of telegram_configs) {
      expect(receiver.bot_token_file).toBe('/run/secrets/alertmanager_telegram_bot_token');
      delete receiver.bot_token_file;
      Object.assign(receiver, { bot_token: token, api_url: apiUrl, chat_id: CHAT });
    }
  }
  expect(configuration.templates).toEqual(['/etc/alertmanager/templates/*.tmpl']);
  return { ...configuration, templates: [`${DEPLOY}alertmanager/templates/*.tmpl`] };
}

test('amtool takes the configuration and its template', async () => {
  const file = join(folder, 'checked.yml');
  await writeFile(file, stringify(await forDebian('1:token', 'http://127.0.0.1:9')));
  const checked = await check(programs.amtool, ['check-config', file]);
  expect(checked.ok, checked.text).toBe(true);
  expect(checked.text).toContain('1 templates');
});

test('amtool takes the configuration that hands alerts to the worker', async () => {
  const checked = await check(programs.amtool, ['check-config', `${DEPLOY}alertmanager/hand-in.yml`]);
  expect(checked.ok, checked.text).toBe(true);
});

test('rules that the worker takes for its own trouble are rules that exist, with the labels that it asks for', async () => {
  const platform = rulesIn('platform', await readFile(`${DEPLOY}prometheus/platform/worker_alerts.yml`, 'utf8'));
  const rules = new Map(
    [...(await shippedRules()), ...platform].flatMap((rule) => (rule.alert ? [[rule.alert, rule] as const] : [])),
  );
  for (const [name, coversOf] of Object.entries(SAME_TROUBLE)) {
    const asked: string[] = [];
    coversOf(new Proxy({}, { get: (_, label) => void asked.push(String(label)) }));
    expect(rules.has(name), name).toBe(true);
    for (const label of asked) expect(JSON.stringify(rules.get(name)), `${name} ${label}`).toContain(label);
  }
});

test('what one alert silences are alerts that exist', async () => {
  const known = new Set((await shippedRules()).flatMap(({ alert }) => alert ?? []));
  for (const { source_matchers, target_matchers } of (await shipped()).inhibit_rules) {
    for (const matcher of [...source_matchers, ...target_matchers].filter((one) => one.startsWith('alertname'))) {
      const names = /"(.*)"/.exec(matcher)![1]!.split('|');
      expect(names.filter((name) => !known.has(name))).toEqual([]);
    }
  }
});

describe('the container’s start', () => {
  const start = (env: Record<string, string>) =>
    promisify(execFile)('sh', [`${DEPLOY}alertmanager/entrypoint.sh`, '--log.level=warn'], {
      env: {
        PATH: process.env.PATH ?? '',
        TMPDIR: folder,
        ALERTMANAGER: 'echo',
        ALERTMANAGER_CONFIGURATION: SHIPPED,
        ...env,
      },
    });

  test('writes the chat and the place of the token into the configuration', async () => {
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, '1:token');
    const { stdout } = await start({ ALERT_TELEGRAM_CHAT_ID: String(CHAT), ALERT_TELEGRAM_TOKEN_FILE: tokenFile });
    const written = join(folder, 'alertmanager.yml');
    expect(stdout).toBe(`--config.file=${written} --storage.path=/alertmanager --log.level=warn\n`);
    const { receivers } = parse(await readFile(written, 'utf8')) as Configuration;
    for (const { telegram_configs } of receivers) {
      expect(telegram_configs).toMatchObject([{ chat_id: CHAT, bot_token_file: tokenFile }]);
    }
    expect(await readFile(written, 'utf8')).not.toContain('1:token');
  });

  test.each([
    [{}, 'ALERT_TELEGRAM_CHAT_ID must be the number of a Telegram chat'],
    [{ ALERT_TELEGRAM_CHAT_ID: '@channel' }, "it is '@channel'"],
    [{ ALERT_TELEGRAM_CHAT_ID: '5', ALERT_TELEGRAM_TOKEN_FILE: '/nowhere' }, 'no bot token in /nowhere'],
  ])('says what is missing: %j', async (env, sentence) => {
    await expect(start(env)).rejects.toMatchObject({ code: 78, stderr: expect.stringContaining(sentence) });
  });
});

describe('Alertmanager', () => {
  let telegram: TelegramSandbox;
  let alertmanager: LocalServer;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    telegram = stack.use(await startTelegramSandbox({ limits: NO_LIMITS }));
    const configuration = await forDebian(telegram.token, telegram.url);
    const soon = { group_wait: '500ms', group_interval: '1s' };
    Object.assign(configuration.route, soon);
    for (const route of configuration.route.routes) Object.assign(route, soon);
    alertmanager = stack.use(await startAlertmanager(stringify(configuration)));
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(() => telegram.reset());

  async function tell(alerts: readonly { labels: Record<string, string>; endsAt?: string; summary?: string }[]) {
    const rules = await shippedRules();
    const body = alerts.map(({ labels, summary, ...times }) => ({
      labels: { service: 'cybervpn-worker', ...labels },
      annotations: {
        ...rules.find(({ alert }) => alert === labels.alertname)!.annotations,
        ...(summary !== undefined && { summary }),
      },
      ...times,
    }));
    const response = await fetch(`${alertmanager.url}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status, await response.text()).toBe(200);
  }
  const said = () => telegram.messages({ chatId: CHAT }).map(({ visible }) => visible);

  test('with no worker up tells that and nothing of what follows from it; then that it is over', async () => {
    const critical = { severity: 'critical' };
    const noWorker = { alertname: 'NoWorkerUp', ...critical };
    // The cause is sent first, because an inhibiting alert must be known before the others are evaluated.
    await tell([
      { labels: noWorker },
      { labels: { alertname: 'PaymentsNotWatched', ...critical } },
      { labels: { alertname: 'QueueStuck', ...critical, queue: 'sync' } },
      { labels: { alertname: 'ScheduleOverdue', severity: 'warning', task_name: 'sync_user_stats' } },
    ]);
    const [message] = await until('it is told', () => said().length > 0 && said());
    expect(message).toContain('🔴 No worker is running');
    expect(message).toContain('Start a worker, or look at why it does not stay up');
    expect(message).toContain('docs/runbooks.md#noworkerup');

    const endsAt = new Date().toISOString();
    await tell([
      { labels: noWorker, endsAt },
      { labels: { alertname: 'PaymentsNotWatched', ...critical }, endsAt },
      { labels: { alertname: 'QueueStuck', ...critical, queue: 'sync' }, endsAt },
      { labels: { alertname: 'ScheduleOverdue', severity: 'warning', task_name: 'sync_user_stats' }, endsAt },
    ]);
    await until('its end is told', () => said().some((text) => text.includes('✅ No worker is running')));
    expect(said().filter((text) => /🔴|🟡/.test(text))).toHaveLength(1);
    expect(said().join()).not.toContain('QueueStuck');
  });

  test('a storm of warnings is one message, in Telegram’s HTML and in its length, whatever the alerts say', async () => {
    const storm = Array.from({ length: 40 }, (_, i) => ({
      labels: { alertname: 'TaskNeverSucceeds', severity: 'warning', task_name: `task_${i}` },
      summary: `Task <i>${i} & only fails`,
    }));
    await tell(storm);
    const [message] = await until('it is told', () => said().length > 0 && said());
    expect(message).toContain('… more alerts: 40 in all.');
    expect(message).toContain('🟡 Task <i>0 & only fails');
    // The template's own tags are tags, those of an alert are text.
    expect(telegram.messages({ chatId: CHAT })[0]!.text).toContain('<code>TaskNeverSucceeds</code>');
    expect(telegram.stats().refused).toEqual({});
  });
});

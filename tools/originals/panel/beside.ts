/**
 * `node tools/originals/panel/beside.ts --folder <folder of build.ts> [--users 20000]`: the worker as it ships beside the real panel, with
 * every kind of work in hand while the panel is upgraded from 2.7.4 to 3.3.2 in place and put back. Prints what was done and what was
 * counted in the panel's database, at Telegram and in the platform's tables; `docs/originals.md` keeps it.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { NO_LIMITS } from '../../../sandbox/telegram/limits.ts';
import { seconds } from '../../../src/lib/duration.ts';
import { freePort } from '../../../src/testing/servers/free-port.ts';
import { startPostgres } from '../../../src/testing/servers/postgres.ts';
import { startRedis } from '../../../src/testing/servers/redis.ts';
import { until } from '../../../src/testing/until.ts';
import { World } from '../../../src/testing/world/world.ts';
import { BesideJobs, TOKEN } from './beside-jobs.ts';
import { BesideUsers, GROUPS } from './beside-users.ts';
import { keep, OriginalPanel, type PanelVersionHere, putBack } from './original-panel.ts';
import { OriginalStage } from './original-stage.ts';

const { values } = parseArgs({ options: { folder: { type: 'string' }, users: { type: 'string', default: '20000' } } });
const { folder } = values;
if (!folder) throw new Error('say --folder <folder of build.ts>');

const startedAt = performance.now();
const say = (...what: unknown[]): void =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(5)} s`, ...what);

await using stack = new AsyncDisposableStack();
const postgres = stack.use(await startPostgres());
const redis = stack.use(await startRedis());
const databaseUrl = await postgres.createDatabase('panel');
const backup = join(folder, 'before-the-upgrade.dump');
const common = {
  ...{ folder, databaseUrl, redisUrl: redis.url, port: await freePort() },
  webhookUrl: `http://127.0.0.1:${await freePort()}/webhooks/remnawave`,
};
let panel = new OriginalPanel({ ...common, version: '2.7.4' });
stack.defer(() => panel.stop());
await panel.start();
say('panel 2.7.4 answers');

const stage = new OriginalStage(panel.url, 2, databaseUrl);
await stage.enter();
const node = await stage.given({ what: 'node', bind: 'a', name: 'Frankfurt', countryCode: 'DE' }, new Map());
stack.defer(() => stage.nodes.get('a')?.node.stop());
const token = (await stage.token(undefined))!;
await stage.wait({ node: 'a', state: 'connected' }, new Map([['a', node!]]));
say('a node is connected');

const users = new BesideUsers(databaseUrl, Number(values.users));
await users.fill();
say(`${values.users} users`, await users.byStatus());

const world = stack.use(
  await World.start({
    env: {
      ...{ REMNAWAVE_URL: panel.url, REMNAWAVE_API_TOKEN: token, API_TOKENS: `beside:${TOKEN}` },
      ...{ TELEGRAM_RATE_PER_SECOND: '1000', REMNAWAVE_CONCURRENCY: '8' },
    },
    telegramLimits: NO_LIMITS,
  }),
);
const workers = await Promise.all([world.startWorker(), world.startWorker()]);
const jobs = new BesideJobs(world, workers[0]!.httpUrl, say);
await jobs.stoodHereForLong();

/** The panel in place, over its own database: what a person does by changing a tag. */
async function replace(version: PanelVersionHere): Promise<void> {
  await panel.stop();
  if (version > panel.version) keep(databaseUrl, backup);
  else putBack(databaseUrl, backup);
  panel = new OriginalPanel({ ...common, version });
  await panel.start();
  say(`panel ${version} answers`);
}

/** Every kind of work at once; `cut` while it is under way. */
async function allAtOnce(round: number, cut: () => Promise<void>): Promise<void> {
  const groups = GROUPS(round);
  await panel.end('scheduler');
  await users.prepare(groups);
  const payments = await jobs.pay(await users.of(groups.pay), users.generation);
  const ids = {
    disable: await users.keysOf(groups.disable),
    reset: await users.keysOf(groups.reset),
    enable: await users.keysOf(groups.enable),
    remove: await users.keysOf(groups.remove),
  };
  for (const task of [
    ...['disable_expired_users', 'reset_monthly_traffic', 'check_expiring_subscriptions', 'verify_pending_payments'],
  ])
    await jobs.start(task);
  await until('some are disabled, as their time is over', async () => (await users.disabledOf(groups.lapsed)) > 50);
  await jobs.bulk('disable', ids.disable);
  await jobs.bulk('reset_traffic', ids.reset);
  await jobs.bulk('enable', ids.enable);
  await jobs.bulk('delete', ids.remove);
  await jobs.start('generate_data_export', { export_type: 'users' });
  await until('some of each are', async () => (await users.disabledOf(groups.disable)) > 5, seconds(60));
  await cut();
  await jobs.ended();
  await jobs.settled(payments);
  await jobs.start('process_notification_queue');
  await jobs.ended();
  say(`round ${round}:`, JSON.stringify(await users.verdict(groups), null, 1));
  say('told', jobs.told());
}

say('--- each panel task on 2.7.4');
await jobs.eachPanelTask();
say('--- all at once, and an upgrade to 3.3.2');
await allAtOnce(1, () => replace('3.3.2'));
say('--- each panel task on 3.3.2');
await jobs.eachPanelTask();
say('--- all at once on 3.3.2, and back to 2.7.4 with the database of before');
await allAtOnce(2, () => replace('2.7.4'));
say('--- each panel task on 2.7.4 again');
await jobs.eachPanelTask();

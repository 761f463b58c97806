/**
 * `node tools/originals/panel/start.ts --folder <folder> --version 2.7.4`: starts the real panel that `build.ts` has made there, over an
 * empty PostgreSQL and Redis of its own, and prints what reaches it as one line of JSON. It runs until SIGTERM or SIGINT.
 *
 * A line on its standard input replaces the panel in place: `3.3.2` upgrades it, `2.7.4` puts the database from before that back under the
 * old one, `restart` starts the same again.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { freePort } from '../../../src/testing/servers/free-port.ts';
import { startPostgres } from '../../../src/testing/servers/postgres.ts';
import { startRedis } from '../../../src/testing/servers/redis.ts';
import { keep, OriginalPanel, type PanelVersionHere, putBack, WEBHOOK_SECRET } from './original-panel.ts';

const { values } = parseArgs({ options: { folder: { type: 'string' }, version: { type: 'string' } } });
const { folder } = values;
if (!folder || !values.version) throw new Error('say --folder <folder of build.ts> --version 2.7.4 or 3.3.2');

const postgres = await startPostgres();
const redis = await startRedis();
const databaseUrl = await postgres.createDatabase('panel');
const backup = join(folder, 'before-the-upgrade.dump');
const port = await freePort();
const webhookUrl = `http://127.0.0.1:${await freePort()}/webhooks/remnawave`;
const common = { folder, databaseUrl, redisUrl: redis.url, port, webhookUrl };

let panel = new OriginalPanel({ ...common, version: values.version as PanelVersionHere });
await panel.start();
console.log(
  JSON.stringify({
    url: panel.url,
    version: values.version,
    databaseUrl,
    redisUrl: redis.url,
    webhookUrl,
    webhookSecret: WEBHOOK_SECRET,
  }),
);

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());

for await (const line of createInterface({ input: process.stdin })) {
  const version = (line === 'restart' ? panel.version : line) as PanelVersionHere;
  await panel.stop();
  if (version > panel.version) keep(databaseUrl, backup);
  if (version < panel.version) putBack(databaseUrl, backup);
  panel = new OriginalPanel({ ...common, version });
  await panel.start();
  console.log(JSON.stringify({ url: panel.url, version }));
}

async function stop(): Promise<void> {
  await panel.stop();
  await Promise.all([postgres[Symbol.asyncDispose](), redis[Symbol.asyncDispose]()]);
  process.exit(0);
}

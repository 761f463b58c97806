import { randomUUID } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CryptoPaySandbox, startCryptoPaySandbox } from '../../sandbox/cryptopay/server.ts';
import { rowsPrefix } from '../domain/notifications/broadcast-ids.ts';
import { days, hours, minutes } from '../lib/duration.ts';
import { installOwnSchema } from '../repositories/history/own-schema.ts';
import { keys } from '../repositories/redis/keys.ts';
import { addAuditLogs, addTokens, addWebhookLogs, idsOf } from './aged-rows.ts';
import { broadcastOf } from './broadcast-drafts.ts';
import { startCampaign } from './campaign-world.ts';
import { type GenerationNumber, type SubscriptionWorld, subscriptionWorld } from './subscription-world.ts';
import { until } from './until.ts';

/** A panel, Crypto Pay and Telegram, with somebody for every mass task to act on. */
export type MassWorld = AsyncDisposable & {
  readonly generation: GenerationNumber;
  readonly world: SubscriptionWorld;
  readonly cryptopay: CryptoPaySandbox;
  /** What the sandboxes were asked to change or to send. */
  acts(): number;
};

/** One mass task that can be run here. Lines are `effect subject`, as its list has them. */
export type MassCase = {
  readonly task: string;
  /** Makes subjects for it and answers its payload, where that depends on them. */
  prepare(mass: MassWorld): Promise<object | undefined>;
  /** What a run has done since `prepare`, by what it has left in the world. */
  done(mass: MassWorld): Promise<readonly string[]>;
};

export async function massWorld(generation: GenerationNumber): Promise<MassWorld> {
  const cryptopay = await startCryptoPaySandbox();
  const world = await subscriptionWorld(generation, {
    CRYPTOBOT_API_URL: cryptopay.url,
    CRYPTOBOT_TOKEN: cryptopay.token,
  });
  await world.app.database.pool.query(
    `insert into audit_logs (id, action, user_agent, created_at) values ($1, 'worker.stood_here', 'task-worker/0', $2)`,
    [randomUUID(), new Date(Date.now() - days(10))],
  );
  // What a worker notes when it starts: the version of the panel, and when it first stood here.
  await until('Redis is reached', () => world.app.app.redis.ping());
  await world.app.app.services.panel.canHave('1', new AbortController().signal);
  await world.app.app.services.entitlements.byOthers.due(new Date(), 1);
  return {
    generation,
    world,
    cryptopay,
    acts: () =>
      world.panel.calls().mutations.length +
      cryptopay.world.calls.filter(({ method }) => !method.startsWith('get')).length +
      world.app.telegram.messages().length,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await cryptopay.stop();
    },
  };
}

/** Rows of `notification_queue` to customers, as effects on the panel users who have these chats. */
async function told({ world }: MassWorld, effectOf: (type: string) => string | undefined): Promise<string[]> {
  return (await world.messages()).flatMap(({ notification_type: type, telegram_id: chat }) => {
    const effect = effectOf(type);
    const user = NAMES.find((name) => world.panel.user(name)?.telegramId === Number(chat));
    return effect === undefined ? [] : [`${effect} ${user ?? chat}`];
  });
}

const NAMES = ['anna', 'boris', 'clara', 'dmitri', 'elena'];

const sends = async ({ world }: MassWorld): Promise<string[]> =>
  (await world.messages()).map(({ telegram_id: chat }) => `send ${chat}`);

/** The rows of a table that are there before and not after. */
function rowCase(
  task: string,
  table: Parameters<typeof idsOf>[1],
  add: (mass: MassWorld) => Promise<unknown>,
): MassCase {
  let before: string[] = [];
  return {
    task,
    async prepare(mass) {
      await add(mass);
      before = await idsOf(mass.world.app.database.pool, table);
      return undefined;
    },
    async done(mass) {
      const left = new Set(await idsOf(mass.world.app.database.pool, table));
      return before.filter((id) => !left.has(id)).map((id) => `delete ${id}`);
    },
  };
}

const ago = (ms: number): string => new Date(Date.now() - ms).toISOString();

const foldersOf = async ({ world }: MassWorld): Promise<string[]> =>
  (await readdir(world.app.env.EXPORT_DIR!, { recursive: true })).filter((name) => name.startsWith('old'));

function bulkCase(operation: 'disable' | 'enable' | 'reset_traffic' | 'delete'): MassCase {
  let names: ReadonlyMap<string, string> = new Map();
  return {
    task: 'execute_bulk_user_operation',
    async prepare({ generation, world }) {
      const users = [
        world.customer('anna', { endsInMs: days(30) }),
        world.customer('boris', { endsInMs: days(30), status: 'DISABLED' }),
      ];
      names = new Map(users.map(({ id, username, uuid }) => [generation === 2 ? uuid : String(id), username]));
      return { operation, user_uuids: [...names.keys(), generation === 2 ? randomUUID() : '4242'] };
    },
    async done({ world }) {
      const [key] = await world.app.redis.client.keys(keys.bulkUsers('*'));
      const states = Object.entries(key === undefined ? {} : await world.app.redis.client.hgetall(key));
      return states.map(([id, text]) => {
        const { state } = JSON.parse(text) as { state: 'done' | 'already' | 'failed' };
        return `${{ done: operation, already: 'already', failed: 'fail' }[state]} ${names.get(id) ?? id}`;
      });
    },
  };
}

function jobsCase(): MassCase {
  let asked: string[] = [];
  return {
    task: 'act_on_jobs',
    async prepare({ world: { app } }) {
      const add = () => app.app.dispatcher.dispatchNamed('sync_user_stats', {}, { source: 'cli', initiatedBy: 'test' });
      asked = [(await add()).jobId, (await add()).jobId, 'nobody'];
      return { act: 'cancel', job_ids: asked };
    },
    async done({ world: { app } }) {
      const waiting = new Set((await app.app.queues.get('sync').getJobs(['waiting'])).map(({ id }) => id));
      return asked.filter((id) => !waiting.has(id)).map((id) => `${id === 'nobody' ? 'leave' : 'cancel'} ${id}`);
    },
  };
}

function undoCase(): MassCase {
  const users = ['anna', 'boris', 'clara'];
  return {
    task: 'undo_mass_effect',
    async prepare({ world }) {
      const { app, panel } = world;
      await installOwnSchema(app.app.parts.foundation.database);
      for (const name of users) world.customer(name, { endsInMs: -hours(1) });
      await app.run('disable_expired_users', {}, { now: panel.now(), jobId: 'the act' });
      panel.changeUser('boris', { status: 'ACTIVE' });
      const { rows } = await app.database.pool.query<{ id: string }>('select id from task_worker.receipts');
      return { receipt_id: rows[0]!.id };
    },
    async done({ world }) {
      const { rows } = await world.app.database.pool.query<{ subject: string; undo_state: string }>(
        'select subject, undo_state from task_worker.receipt_lines where undo_state is not null',
      );
      return rows.map(({ subject, undo_state: state }) => {
        const isOn = world.panel.user(subject)?.status === 'ACTIVE';
        return `${state === 'undone' && isOn ? 'enable' : 'leave'} ${subject}`;
      });
    },
  };
}

/** One case for every mass task, and for each of its ways that differ. */
export const massCases = (): readonly MassCase[] => [
  {
    task: 'disable_expired_users',
    async prepare({ world }) {
      world.customer('anna', { endsInMs: -minutes(20) });
      world.customer('boris', { endsInMs: -days(40) });
      world.customer('clara', { endsInMs: -hours(1), status: 'EXPIRED' });
      world.customer('dmitri', { endsInMs: -hours(2), telegramId: null, status: 'LIMITED' });
      world.customer('elena', { endsInMs: days(100) });
      return undefined;
    },
    async done(mass) {
      const notices = new Set(await told(mass, (type) => (type === 'subscription_expired' ? 'tell' : undefined)));
      const off = NAMES.filter((name) => mass.world.panel.user(name)?.status === 'DISABLED');
      const tells = [...notices].filter((line) => !off.some((name) => line === `tell ${name}`));
      return [
        ...off.map((name) => `${notices.has(`tell ${name}`) ? 'disable_and_tell' : 'disable'} ${name}`),
        ...tells,
      ];
    },
  },
  {
    task: 'check_expiring_subscriptions',
    async prepare({ world }) {
      world.customer('anna', { endsInMs: hours(5) });
      world.customer('boris', { endsInMs: days(2), status: 'LIMITED', trafficLimitBytes: 100, usedTrafficBytes: 100 });
      world.customer('clara', {
        endsInMs: days(100),
        status: 'LIMITED',
        trafficLimitBytes: 100,
        usedTrafficBytes: 100,
      });
      world.customer('dmitri', { endsInMs: hours(5), telegramId: null });
      world.customer('elena', { endsInMs: days(100) });
      return undefined;
    },
    done: (mass) => told(mass, (type) => (type.includes('traffic') ? 'tell_of_traffic' : 'remind')),
  },
  {
    task: 'run_campaigns',
    async prepare({ world }) {
      await installOwnSchema(world.app.app.parts.foundation.database);
      const silent = { onlineAt: Date.now() - days(8) };
      world.customer('anna', { endsInMs: days(30), ...silent });
      world.customer('boris', { endsInMs: days(2), ...silent, telegramId: null });
      world.customer('clara', { endsInMs: days(2) });
      world.customer('dmitri', { endsInMs: -days(2), ...silent, status: 'EXPIRED' });
      await startCampaign(world, { trigger: 'silent', at: [7] });
      await startCampaign(world, { trigger: 'before_end', at: [72] });
      return undefined;
    },
    done: (mass) => told(mass, (type) => (type.startsWith('campaign:') ? 'send' : undefined)),
  },
  {
    task: 'reset_monthly_traffic',
    async prepare({ world }) {
      const limited = { endsInMs: days(30), trafficLimitBytes: 1000, usedTrafficBytes: 400 } as const;
      world.customer('anna', limited);
      world.customer('boris', { ...limited, telegramId: null });
      world.customer('clara', { ...limited, trafficLimitStrategy: 'MONTH' });
      world.customer('dmitri', { ...limited, usedTrafficBytes: 0 });
      return undefined;
    },
    async done({ world }) {
      const reset = NAMES.filter((name) => world.panel.user(name)?.lastTrafficResetAt);
      const { queues } = world.app.app;
      const jobs = await queues.get('notifications').getJobs(['waiting', 'prioritized']);
      const chats = jobs.flatMap(({ data }) => data.payload.telegram_ids as number[]);
      return [...reset.map((name) => `reset ${name}`), ...chats.map((chat) => `tell ${chat}`)];
    },
  },
  {
    task: 'auto_renew_subscriptions',
    async prepare({ world }) {
      const { pool } = world.app.database;
      for (const [name, wish] of [
        ['anna', true],
        ['boris', false],
      ] as const) {
        const { uuid, telegramId } = world.customer(name, { endsInMs: minutes(50) });
        const id = randomUUID();
        await pool.query(
          `insert into mobile_users (id, email, password_hash, username, telegram_id, remnawave_uuid, is_active, status)
           values ($1, $2, 'x', $3, $4, $5, true, 'active')`,
          [id, `${name}@example.com`, name, telegramId, uuid],
        );
        await pool.query(
          `insert into payments (id, user_uuid, amount, currency, status, provider, subscription_days, metadata, created_at)
           values ($1, $2, 10, 'USD', 'completed', 'cryptobot', 30, $3, now() - interval '29 days')`,
          [randomUUID(), id, JSON.stringify({ auto_renew: wish })],
        );
      }
      return undefined;
    },
    async done({ world }) {
      const { rows } = await world.app.database.pool.query<{ name: string }>(
        `select metadata ->> 'remnawave_username' as name from payments where status = 'pending' and external_id is not null`,
      );
      return rows.map(({ name }) => `invoice ${name}`);
    },
  },
  {
    task: 'broadcast_message',
    prepare: async () => ({ telegram_ids: [5, 6, 5], message: 'hello' }),
    done: sends,
  },
  {
    task: 'execute_bulk_broadcast',
    prepare: async () => ({ telegram_ids: [7, 8, 8], message: 'hello' }),
    done: sends,
  },
  {
    task: 'execute_bulk_broadcast',
    async prepare({ world }) {
      await world.app.database.pool.query(
        `insert into mobile_users (id, email, password_hash, username, telegram_id, is_active, status)
         select gen_random_uuid(), n || '@example.com', 'x', 'user' || n, n, n <> 13, 'active' from generate_series(11, 14) n`,
      );
      await world.app.redis.client.set(keys.unreachable(12), '1');
      return { telegram_ids: 'all', message: 'hello' };
    },
    done: sends,
  },
  {
    task: 'send_broadcast',
    async prepare({ world }) {
      await installOwnSchema(world.app.app.parts.foundation.database);
      for (const chat of [21, 22, 23]) world.customer(`reads_${chat}`, { endsInMs: days(9), telegramId: chat });
      const { plannedBroadcasts } = world.app.app.services;
      const id = randomUUID();
      await plannedBroadcasts.add(id, rowsPrefix(id), broadcastOf({ texts: { en: 'Hi {username}' } }), 'test');
      await plannedBroadcasts.schedule(id, new Date(world.panel.now().getTime() - minutes(1)), 'test');
      return { broadcast_id: id };
    },
    done: sends,
  },
  {
    task: 'delete_broadcast',
    async prepare({ world }) {
      await installOwnSchema(world.app.app.parts.foundation.database);
      const { broadcastDeliveries, delivery, plannedBroadcasts } = world.app.app.services;
      const [id, now] = [randomUUID(), world.panel.now()];
      await plannedBroadcasts.add(id, rowsPrefix(id), broadcastOf(), 'test');
      await plannedBroadcasts.schedule(id, now, 'test');
      await plannedBroadcasts.begin(id, now, new Date(0));
      await plannedBroadcasts.addChats(
        id,
        [31, 32, 33].map((chat) => ({ chat, part: 'told' })),
      );
      for (const chat of [31, 32]) {
        const message = {
          id: randomUUID(),
          telegramId: chat,
          text: 'news',
          parseMode: 'HTML',
          lane: 'normal',
        } as const;
        const sent = await delivery.sender.send(message, new AbortController().signal);
        const messages = sent.kind === 'refused' ? [] : [sent.messageId];
        await broadcastDeliveries.noteMessages([{ broadcast: id, chat, messages, sentAt: now }]);
      }
      await plannedBroadcasts.end(id, now);
      await broadcastDeliveries.askDeletion(id, 'test', now);
      return { broadcast_id: id };
    },
    done: async ({ world }) =>
      world.app.telegram.messages().flatMap(({ chat_id: chat, deleted }) => (deleted ? [`delete ${chat}`] : [])),
  },
  ...(['disable', 'enable', 'reset_traffic', 'delete'] as const).map(bulkCase),
  jobsCase(),
  undoCase(),
  rowCase('cleanup_expired_tokens', 'refresh_tokens', ({ world }) =>
    addTokens(world.app.database.pool, [
      { expires: ago(hours(1)) },
      { expires: ago(-hours(1)) },
      { expires: ago(-hours(1)), revoked: ago(minutes(1)) },
    ]),
  ),
  rowCase('archive_old_audit_logs', 'audit_logs', ({ world }) =>
    addAuditLogs(world.app.database.pool, [ago(days(91)), ago(days(89)), ago(days(200))]),
  ),
  rowCase('cleanup_old_webhook_logs', 'webhook_logs', ({ world }) =>
    addWebhookLogs(world.app.database.pool, [ago(days(31)), ago(days(29))]),
  ),
  rowCase('cleanup_notification_queue', 'notification_queue', ({ world }) =>
    world.app.database.pool.query(
      `insert into notification_queue (id, telegram_id, message, status, scheduled_at, sent_at, created_at)
       select gen_random_uuid(), 5, 'x', status, at, at, at
         from unnest(array['sent', 'failed', 'pending', 'sent'], $1::timestamptz[]) as new(status, at)`,
      [[ago(days(8)), ago(days(9)), ago(days(10)), ago(days(6))]],
    ),
  ),
  {
    task: 'cleanup_export_files',
    async prepare({ world }) {
      const folder = world.app.env.EXPORT_DIR!;
      await mkdir(folder, { recursive: true });
      for (const [name, age] of [
        ['old-1.csv', 25],
        ['old-2.json.gz', 26],
        ['old-but-young.csv', 1],
        ['old-notes.txt', 99],
      ] as const) {
        const at = new Date(Date.now() - hours(age));
        await writeFile(join(folder, name), 'x');
        await utimes(join(folder, name), at, at);
      }
      return undefined;
    },
    async done(mass) {
      const left = new Set(await foldersOf(mass));
      return ['old-1.csv', 'old-2.json.gz', 'old-but-young.csv'].flatMap((name) =>
        left.has(name) ? [] : `delete ${name}`,
      );
    },
  },
  {
    task: 'invalidate_stale_cache',
    async prepare({ world }) {
      const { client } = world.app.redis;
      await client.set(keys.dailyStats(ago(days(95)).slice(0, 10)), '{}');
      await client.set(keys.dailyStats(ago(days(5)).slice(0, 10)), '{}');
      await client.zadd(keys.bandwidth('n1'), Date.now() - hours(50), 'old', Date.now(), 'new');
      return undefined;
    },
    async done({ world }) {
      const { client } = world.app.redis;
      const stats = keys.dailyStats(ago(days(95)).slice(0, 10));
      return [
        ...((await client.exists(stats)) === 0 ? [`remove ${stats}`] : []),
        ...((await client.zcard(keys.bandwidth('n1'))) === 1 ? [`trim ${keys.bandwidth('n1')}`] : []),
      ];
    },
  },
];

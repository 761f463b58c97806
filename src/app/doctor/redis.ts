import { isCluster, mastersOf } from '../../lib/redis-client.ts';
import { parseRedisUrl } from '../../lib/redis-url.ts';
import { keys } from '../../repositories/redis/keys.ts';
import { LEAST_RIGHTS, missingRights } from '../../repositories/redis/rights.ts';
import type { Examination, Finding } from '../../triggers/examination.ts';
import { CONSUMER_PREFIX } from '../../triggers/taskiq-stream/group.ts';
import type { App } from '../build-app.ts';
import { after, counted, failed, ok, timed, warning } from './findings.ts';

const GROUP = 'Redis';

/** From this version on there is `SET … NX GET`, which the idempotency of the API needs: https://redis.io/docs/latest/commands/set/ */
const OLDEST = 7;

/** With `noeviction` a full Redis refuses writes, so there must be room to act in time. */
const FULL_SHARE = 0.9;
const CROWDED_SHARE = 0.75;

/** `INFO` of one server. */
type Facts = ReadonlyMap<string, string>;

/** Examines Redis by one round of `INFO`, sent to every server that holds keys. */
export function redisExaminations(app: App): readonly Examination[] {
  const { redis } = app;
  const address = parseRedisUrl(app.config.REDIS_URL);
  // A command that fails only says that it waited; the connection's own error says why.
  let trouble: Error | undefined;
  const noteTrouble = (error: Error): void => {
    trouble = error;
  };
  redis.on('error', noteTrouble);
  if (isCluster(redis)) redis.on('node error', noteTrouble);

  const ask = async () => {
    await redis.ping();
    // The first answer includes opening a connection.
    const { latencyMs } = await timed(() => redis.ping());
    const servers = await Promise.all(mastersOf(redis).map(async (master) => factsOf(await master.info())));
    return { servers, latencyMs };
  };
  const asked = ask();
  asked.catch(() => undefined);
  /** Looks at one thing on each server. The finding is unknown while Redis does not answer. */
  const ofEach = (name: string, look: (servers: readonly Facts[]) => Finding | Promise<Finding>): Examination => ({
    group: GROUP,
    name,
    advice: 'see the line above',
    examine: () =>
      after('Redis', asked, async () => {
        const { servers } = await asked;
        return servers.some((facts) => facts.has('info_refused')) ? blind(app) : await look(servers);
      }),
  });

  return [
    {
      group: GROUP,
      name: 'Server',
      advice: `is it up, and does REDIS_URL lead to it? A firewall, a password or a certificate may be in the way`,
      async examine() {
        const { latencyMs, servers } = await asked.catch((error: unknown) => {
          throw trouble ?? error;
        });
        const isRedundant = address.kind === 'single' || servers.every((facts) => replicasOf(facts) > 0);
        const tls = address.tls
          ? `, TLS${address.tls.verify === 'full' ? '' : ` (verified: ${address.tls.verify})`}`
          : '';
        if (servers[0]!.has('info_refused')) return blind(app);
        return serverFinding(servers[0]!, `${await topology(app, servers)}${tls}`, { isRedundant, latencyMs });
      },
    },
    {
      group: GROUP,
      name: 'Writing',
      advice: 'see the line above',
      examine: () =>
        after('Redis', asked, async () => {
          await redis.set(keys.cache('doctor'), '1', 'EX', 10);
          return ok('a key can be set');
        }),
    },
    {
      group: GROUP,
      name: 'Rights',
      advice: 'see docs/security.md, "The rights of the Redis user"',
      examine: () => after('Redis', asked, async () => rightsFinding(app)),
    },
    ofEach('When it is full', (servers) => evictionFinding(servers)),
    ofEach('Memory', (servers) => memoryFinding(servers)),
    ofEach('Persistence', (servers) => persistenceFinding(servers)),
    ofEach('Beside a Python worker', (servers) => takeoverFinding(app, servers)),
  ];
}

/**
 * Whether a Python worker in our group keeps a long task. Before Redis 7.2 a consumer counts as silent though it asks, so what it works on
 * looks abandoned after the time of a takeover.
 */
async function takeoverFinding({ config, redis }: App, servers: readonly Facts[]): Promise<Finding> {
  if (servers.every((facts) => facts.has('valkey_version') || isAtLeast(facts.get('redis_version') ?? '0', [7, 2])))
    return ok('what it works on is left to it');
  if (config.TASKIQ_STREAM === '' || !(await hasOtherConsumers(redis, config.TASKIQ_STREAM, config.TASKIQ_GROUP)))
    return ok('none reads our stream');
  const limit = counted(config.TASKIQ_TAKEOVER_SECONDS, 'second');
  return warning(
    `one reads our stream, or did minutes ago; before Redis 7.2 what it has worked on for ${limit} runs a second time here`,
    'upgrade to Redis 7.2 or Valkey, or set TASKIQ_TAKEOVER_SECONDS above its longest task until it is gone; docs/migration.md, "Before Redis 7.2"',
  );
}

function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ours = 0, next = 0] = version.split('.').map(Number);
  return ours > major || (ours === major && next >= minor);
}

async function hasOtherConsumers(redis: App['redis'], stream: string, group: string): Promise<boolean> {
  const reply = (await redis.xinfo('CONSUMERS', stream, group).catch((error: Error) => {
    if (/no such key|NOGROUP/.test(error.message)) return [];
    throw error;
  })) as (string | number)[][];
  return reply.some((fields) => !String(fields[fields.indexOf('name') + 1]).startsWith(CONSUMER_PREFIX));
}

async function rightsFinding({ config, redis }: App): Promise<Finding> {
  const user = parseRedisUrl(config.REDIS_URL).username ?? 'default';
  const missing = await missingRights(redis, user);
  if (missing.length > 0)
    return failed(
      `user ${user} may not ${missing.map(({ what }) => what).join(', not ')}`,
      `${[...new Set(missing.map(({ grant }) => grant))].join('; ')}; all that it needs: ${LEAST_RIGHTS.join(' ')}`,
    );
  return ok(`user ${user} may do what the worker does`);
}

/** The finding where the figures of the server are not shown to this user. */
const blind = ({ config }: App): Finding =>
  warning(
    'not known: this user may not ask for INFO; the worker does without',
    `ACL SETUSER ${parseRedisUrl(config.REDIS_URL).username ?? 'default'} +info`,
  );

function factsOf(info: string): Facts {
  const lines = info.split(/\r?\n/).filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)] as const));
}

function serverFinding(
  facts: Facts,
  topologyText: string,
  { isRedundant, latencyMs }: { isRedundant: boolean; latencyMs: number },
): Finding {
  const valkey = facts.get('valkey_version');
  const version = valkey ?? facts.get('redis_version') ?? '0';
  const name = `${valkey ? 'Valkey' : 'Redis'} ${version}, ${topologyText}`;
  // Valkey 7.2 is the first Valkey and has every command of Redis 7.
  if (!valkey && Number.parseInt(version, 10) < OLDEST)
    return failed(`${name} is too old`, `upgrade to Redis ${OLDEST}, or to any Valkey`);
  if (facts.get('role') === 'slave')
    return failed(
      `${name} is a replica, which takes no writes`,
      'name its master in REDIS_URL, or its sentinels with redis+sentinel://',
    );
  if (!isRedundant)
    return warning(
      `${name}: nobody takes over from a master that dies`,
      'give every master a replica; until it is back, part of the work or all of it stands still',
    );
  return ok(name, latencyMs);
}

const replicasOf = (facts: Facts): number => Number(facts.get('connected_slaves') ?? 0);

/** `one server`, `cluster of 3 masters`, `master mymaster of 1 sentinel`. */
async function topology({ config, redis }: App, servers: readonly Facts[]): Promise<string> {
  const replicas = counted(
    servers.reduce((sum, facts) => sum + replicasOf(facts), 0),
    'replica',
  );
  if (isCluster(redis)) {
    const state = /cluster_state:(\w+)/.exec(String(await redis.cluster('INFO')))?.[1] ?? 'unknown';
    if (state !== 'ok')
      throw new Error(`the cluster says of itself that its state is ${state}: some of its slots are served by nobody`);
    return `cluster of ${counted(servers.length, 'master')} with ${replicas}`;
  }
  const { nodes, sentinel } = parseRedisUrl(config.REDIS_URL);
  if (sentinel) return `master ${sentinel.master} with ${replicas}, named by ${counted(nodes.length, 'sentinel')}`;
  return 'one server';
}

function evictionFinding(servers: readonly Facts[]): Finding {
  const wrong = servers.map((facts) => facts.get('maxmemory_policy')).find((policy) => policy !== 'noeviction');
  if (wrong === undefined) return ok('noeviction: it refuses writes and drops nothing');
  return failed(
    `maxmemory-policy is ${wrong}: Redis may drop jobs when it is full`,
    'set maxmemory-policy to noeviction, in redis.conf and with CONFIG SET',
  );
}

function memoryFinding(servers: readonly Facts[]): Finding {
  const fullest = servers
    .map((facts) => ({ used: Number(facts.get('used_memory')), limit: Number(facts.get('maxmemory')) }))
    .sort(
      (a, b) => b.used / (b.limit || Number.POSITIVE_INFINITY) - a.used / (a.limit || Number.POSITIVE_INFINITY),
    )[0]!;
  const used = megabytes(fullest.used);
  if (fullest.limit === 0) return ok(`${used} used, no limit of its own`);
  const share = fullest.used / fullest.limit;
  const text = `${used} of ${megabytes(fullest.limit)} used (${Math.round(share * 100)} %)`;
  const advice = 'raise maxmemory (256 MB is a good start), or look at what fills it: task-worker tasks, dead-letters';
  if (share >= FULL_SHARE) return failed(text, advice);
  return share >= CROWDED_SHARE ? warning(text, advice) : ok(text);
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MB`;

function persistenceFinding(servers: readonly Facts[]): Finding {
  const isBroken = servers.some(
    (facts) => facts.get('aof_last_write_status') === 'err' || facts.get('rdb_last_bgsave_status') === 'err',
  );
  if (isBroken)
    return failed(
      'the last write to its disk failed',
      'is the disk of Redis full or read-only? Its log has the reason',
    );
  if (servers.every((facts) => facts.get('aof_enabled') === '1')) return ok('append-only file is on');
  return warning(
    'append-only file is off: a restart of Redis loses queued jobs; payments and notifications are found again in PostgreSQL',
    'set appendonly to yes, in redis.conf and with CONFIG SET',
  );
}

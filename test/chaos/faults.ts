import { execFile } from 'node:child_process';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Fault } from '../../sandbox/faults.ts';
import { until } from '../../src/testing/until.ts';
import { describeStep, type Outside, type Plan, type Step, type Trouble } from './plan.ts';
import { childrenOf, signalIfThere } from './processes.ts';
import type { Stage } from './stage.ts';

/** A file may grow to this while the disk is "full". */
const FULL_AT_BYTES = 64 * 1024;

/** Carries out the plan: each step at its time, overlapping steps at once. Resolves when the last is over. */
export async function inflict(plan: Plan, stage: Stage, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  const server = new ServerTurns();
  const running: Promise<void>[] = [];
  for (const step of plan.steps) {
    await delay(Math.max(0, step.atMs - (performance.now() - startedAt)), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    running.push(inflictOne(step, stage, server));
  }
  await Promise.all(running);
}

/** Each server gets one fault at a time: a stopped one cannot be frozen too. */
class ServerTurns {
  readonly #busy = new Set<string>();

  async take(server: string, act: () => Promise<void>): Promise<boolean> {
    if (this.#busy.has(server)) return false;
    this.#busy.add(server);
    try {
      await act();
    } finally {
      this.#busy.delete(server);
    }
    return true;
  }
}

async function inflictOne(step: Step, stage: Stage, turns: ServerTurns): Promise<void> {
  const { timeline } = stage;
  const slot = 'slot' in step ? step.slot : undefined;
  const run = async (act: () => Promise<void>): Promise<void> => {
    const over = timeline.begin(step.kind, describeStep(step), slot);
    try {
      await act();
    } finally {
      over();
    }
  };
  // Emptying waits for a server that is away. Every other fault is left out then.
  const server =
    step.kind === 'redis_flush'
      ? undefined
      : step.kind.startsWith('redis')
        ? 'redis'
        : step.kind.startsWith('postgres')
          ? 'postgres'
          : undefined;
  const isDone = server
    ? await turns.take(server, () => run(() => toServer(step, stage)))
    : slot
      ? await stage.crew.with(slot, (process) => run(() => toProcess(step, stage, process)))
      : await run(() => toOthers(step, stage)).then(() => true);
  if (!isDone) timeline.note('skipped', `${describeStep(step)}: something else was being done there`);
}

async function toProcess(step: Step, { crew }: Stage, process: Parameters<typeof crew.kill>[0]): Promise<void> {
  if (step.kind === 'kill') {
    await crew.kill(process);
    await delay(step.forMs);
    await crew.start(step.slot);
  } else if (step.kind === 'term') {
    await crew.stop(process);
    await delay(step.forMs);
    await crew.start(step.slot);
  } else if (step.kind === 'settings') {
    await crew.stop(process);
    await delay(step.forMs);
    await crew.start(step.slot, step.env);
  } else if (step.kind === 'pause') await crew.pause(step.slot, process, step.forMs);
  else if (step.kind === 'hang') await crew.hang(step.slot, process, step.forMs);
  else if (step.kind === 'output_closed') process.closeOutput();
}

async function toServer(step: Step, stage: Stage): Promise<void> {
  const { proxies, world } = stage;
  const { postgres, redis } = world;
  switch (step.kind) {
    case 'redis_kill':
      await redis.kill();
      await delay(step.forMs);
      return await redis.restart();
    case 'redis_restart':
      await redis.stop();
      await delay(step.forMs);
      return await redis.restart();
    case 'redis_full':
    case 'redis_misconf':
    case 'redis_no_replicas':
    case 'redis_rights':
      return await redisRefuses(step, stage);
    case 'postgres_read_only':
      return await postgresReadOnly(stage, step.forMs);
    case 'postgres_kill':
      await postgres.kill();
      await delay(step.forMs);
      return await postgres.restart();
    case 'postgres_restart':
      await postgres.stop();
      await delay(step.forMs);
      return await postgres.restart();
    case 'postgres_freeze':
      return await frozen(postgres.pid!, step.forMs);
    case 'redis_silence':
    case 'postgres_silence': {
      const proxy = step.kind === 'redis_silence' ? proxies.redis : proxies.postgres;
      proxy.silence();
      await delay(step.forMs);
      proxy.forget();
      return;
    }
    case 'redis_pull':
    case 'postgres_pull': {
      const proxy = step.kind === 'redis_pull' ? proxies.redis : proxies.postgres;
      proxy.pull();
      await delay(step.forMs);
      return proxy.plug();
    }
  }
}

/** The server is there and answers what it is asked to write with an error. */
async function redisRefuses(
  step: Extract<Step, { kind: 'redis_full' | 'redis_misconf' | 'redis_no_replicas' | 'redis_rights' }>,
  { world: { redis, redisClient: client } }: Stage,
): Promise<void> {
  switch (step.kind) {
    case 'redis_full':
      await client.config('SET', 'maxmemory', '1');
      await delay(step.forMs);
      await client.config('SET', 'maxmemory', '0');
      return;
    case 'redis_no_replicas':
      await client.config('SET', 'min-replicas-to-write', '1');
      await delay(step.forMs);
      await client.config('SET', 'min-replicas-to-write', '0');
      return;
    case 'redis_rights':
      await client.acl('SETUSER', 'default', `-${step.right}`);
      await delay(step.forMs);
      await client.acl('SETUSER', 'default', '+@all');
      return;
    case 'redis_misconf': {
      // A folder in the place of its file: no snapshot can be saved, and Redis then takes no writes.
      const inItsPlace = join(redis.dir, 'dump.rdb');
      await mkdir(inItsPlace, { recursive: true });
      await client.config('SET', 'save', '3600 1');
      await client.bgsave('SCHEDULE');
      await delay(step.forMs);
      await client.config('SET', 'save', '');
      await rmdir(inItsPlace);
    }
  }
}

/** As after a switchover: every session, and every new one, is told that it may only read. */
async function postgresReadOnly({ world: { pool } }: Stage, forMs: number): Promise<void> {
  const isReadOnly = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ is: boolean }>("select current_setting('transaction_read_only')::bool as is");
    return rows[0]!.is;
  };
  await pool.query('alter system set default_transaction_read_only = on');
  await pool.query('select pg_reload_conf()');
  await delay(forMs);
  await pool.query('alter system reset default_transaction_read_only');
  await pool.query('select pg_reload_conf()');
  await until('PostgreSQL takes writes again', async () => !(await isReadOnly()));
}

async function toOthers(step: Step, stage: Stage): Promise<void> {
  if (step.kind === 'outside') await troubleOutside(stage, step);
  else if (step.kind === 'redis_flush') await emptied(stage);
  else if (step.kind === 'disk_full') await diskFull(stage, step.forMs);
  else if (step.kind === 'schema') await changeSchema(stage, step.change);
  else if (step.kind === 'clock' && stage.clock) {
    await stage.clock.set(step.jumpMs);
    await delay(step.forMs);
    await stage.clock.set(0);
  }
}

/** A Redis that takes no writes refuses this too. It is emptied once it takes them again. */
async function emptied({ world }: Stage): Promise<void> {
  const isDone = (): Promise<boolean> =>
    world.redisClient.flushall().then(
      () => true,
      () => false,
    );
  await until('Redis lets itself be emptied', isDone);
}

/** Freezes the server and all of its processes, like a virtual machine that is moved. */
async function frozen(pid: number, forMs: number): Promise<void> {
  const all = [pid, ...childrenOf(pid)];
  for (const one of all) signalIfThere(one, 'SIGSTOP');
  await delay(forMs);
  for (const one of all.reverse()) signalIfThere(one, 'SIGCONT');
}

/** Keeps the workers' files from growing past a limit. The kernel answers EFBIG, where a full disk gives ENOSPC; a bucket answers 507. */
async function diskFull({ crew, s3 }: Stage, forMs: number): Promise<void> {
  s3?.faults({ kind: 'error', status: 507, forMs });
  const limited = crew.workers;
  const limit = (bytes: string) =>
    Promise.all(
      limited
        .filter((process) => process.isRunning)
        .map(({ pid }) => promisify(execFile)('prlimit', [`--pid=${pid}`, `--fsize=${bytes}`]).catch(() => undefined)),
    );
  await limit(`${FULL_AT_BYTES}:unlimited`);
  await delay(forMs);
  await limit('unlimited:unlimited');
}

async function troubleOutside(
  { s3, smtp, world }: Stage,
  { forMs, rate, service, trouble }: { forMs: number; rate: number; service: Outside; trouble: Trouble },
): Promise<void> {
  if (service === 'smtp') {
    smtp.refuse(451);
    await delay(forMs);
    smtp.refuse(undefined);
    return;
  }
  const sandbox = { telegram: world.telegram, panel: world.panel!, cryptopay: world.cryptopay, storage: s3 }[service];
  sandbox?.faults(faultOf(trouble, rate, forMs));
  await delay(forMs);
}

function faultOf(trouble: Trouble, rate: number, forMs: number): Fault {
  const scope = { rate, forMs };
  switch (trouble) {
    case 'slow':
      return { kind: 'latency', ms: 2_500, ...scope };
    case 'rate_limited':
      return { kind: 'rate_limited', retryAfterSeconds: 1, ...scope };
    case 'error':
      return { kind: 'error', status: 503, ...scope };
    default:
      return { kind: trouble, ...scope };
  }
}

/** The backend's migrations: they lock the tables for a moment. */
async function changeSchema({ timeline, world }: Stage, change: 'add_column' | 'widen'): Promise<void> {
  const statements =
    change === 'add_column'
      ? ['notification_queue', 'payments', 'audit_logs', 'mobile_users'].map(
          (table) => `alter table ${table} add column if not exists added_${table.length} text not null default 'x'`,
        )
      : [
          'alter table notification_queue alter column notification_type type varchar(80)',
          'alter table payments alter column currency type varchar(12), alter column external_id type varchar(300)',
        ];
  for (const statement of statements) {
    await world.pool
      .query(statement)
      .catch((error: Error) => timeline.note('schema', `${statement}: ${error.message}`));
  }
}

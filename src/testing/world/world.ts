import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { type CryptoPaySandbox, startCryptoPaySandbox } from '../../../sandbox/cryptopay/server.ts';
import type { PanelSandbox, PanelSandboxOptions } from '../../../sandbox/panel/server.ts';
import type { SmtpSandbox } from '../../../sandbox/smtp/server.ts';
import type { Limits } from '../../../sandbox/telegram/limits.ts';
import { startTelegramSandbox, type TelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { type App, buildApp } from '../../app/build-app.ts';
import type { Role } from '../../app/roles.ts';
import { parseConfig } from '../../config.ts';
import type { DispatchOptions } from '../../runtime/dispatcher.ts';
import { createPlatformTables, createServerGeolocations, seedPlatform } from '../platform-tables.ts';
import { type LocalPostgres, startPostgres } from '../servers/postgres.ts';
import { type LocalRedis, startRedis } from '../servers/redis.ts';
import { type CommandResult, runCommand } from './command.ts';
import { RoleProcess } from './role-process.ts';

export type WorldOptions = {
  /** Redis keeps its data over kills and restarts, as in a deployment. */
  appendonly?: boolean;
  /** PostgreSQL and its files sync to disk, for measurements. */
  durable?: boolean;
  /** The limits of the Telegram sandbox; Telegram's own by default. */
  telegramLimits?: Partial<Limits>;
  /** Starts a panel. Without it, `REMNAWAVE_URL` leads nowhere. */
  panel?: Partial<PanelSandboxOptions>;
  /** Starts two mail servers, the second for mail that is sent again on request. */
  mail?: boolean;
  /** Adds plans, admins and customers to the tables. */
  seed?: boolean;
  /** Overrides the world's environment for every process that it starts. */
  env?: Readonly<Record<string, string>>;
  /** Called with every line that a process writes. */
  onLine?: (role: Role, line: string) => void;
};

export type MailServers = { readonly primary: SmtpSandbox; readonly resend: SmtpSandbox };

type Env = Readonly<Record<string, string>>;

/** A loopback port on which nobody can listen without root, so a call to it always fails. */
const NOWHERE = 'http://127.0.0.1:9';
const DATABASE = 'cybervpn';

/**
 * Everything around the service for one test, demo or measurement: PostgreSQL, Redis, the outside world, and the shipped command line as
 * processes of their own. No process and no file remains after it is disposed, or after this process is killed.
 */
export class World implements AsyncDisposable {
  readonly postgres: LocalPostgres;
  readonly redis: LocalRedis;
  readonly telegram: TelegramSandbox;
  readonly panel: PanelSandbox | undefined;
  readonly cryptopay: CryptoPaySandbox;
  readonly mail: MailServers | undefined;
  /** The environment of the command line: the world's addresses, worthless tokens, and the options' `env`. */
  readonly env: Env;
  readonly pool: Pool;
  readonly redisClient: Redis;
  /** All processes that were started here, including ended ones, whose output is kept. */
  readonly processes: RoleProcess[] = [];
  readonly #stack: AsyncDisposableStack;
  readonly #onLine: WorldOptions['onLine'];
  /** An application that only dispatches and runs no jobs. */
  #app: Promise<App> | undefined;

  private constructor(parts: Parts, options: WorldOptions, stack: AsyncDisposableStack) {
    this.postgres = parts.postgres;
    this.redis = parts.redis;
    this.telegram = parts.telegram;
    this.panel = parts.panel;
    this.cryptopay = parts.cryptopay;
    this.mail = parts.mail;
    this.env = { ...environment(parts), ...options.env };
    this.#stack = stack;
    this.#onLine = options.onLine;
    this.pool = new Pool({ connectionString: parts.databaseUrl });
    // Connections break when the server is restarted on purpose; the pool opens others.
    this.pool.on('error', () => undefined);
    this.pool.on('connect', (client) => client.on('error', () => undefined));
    stack.defer(() => this.pool.end());
    this.redisClient = new Redis(parts.redis.url, { maxRetriesPerRequest: null });
    this.redisClient.on('error', () => undefined);
    stack.defer(() => this.redisClient.disconnect());
    stack.defer(async () => void (await Promise.all(this.processes.map((one) => one[Symbol.asyncDispose]()))));
  }

  /** Starts in about two seconds, most of them for PostgreSQL. */
  static async start(options: WorldOptions = {}): Promise<World> {
    await using stack = new AsyncDisposableStack();
    const parts = await startParts(options, stack);
    return new World(parts, options, stack.move());
  }

  get databaseUrl(): string {
    return this.env.DATABASE_URL!;
  }

  async startWorker(env: Env = {}): Promise<RoleProcess> {
    return await this.start('worker', env);
  }

  async startScheduler(env: Env = {}): Promise<RoleProcess> {
    return await this.start('scheduler', env);
  }

  /** Starts `task-worker <role>` and resolves once it is ready. */
  async start(role: Role, env: Env = {}): Promise<RoleProcess> {
    const started = await RoleProcess.start(role, { ...this.env, ...env }, (line) => this.#onLine?.(role, line));
    this.processes.push(started);
    return started;
  }

  /** Runs one command of the shipped command line against this world. */
  async command(args: readonly string[], env: Env = {}): Promise<CommandResult> {
    return await runCommand(args, { ...this.env, ...env });
  }

  /** Enqueues a job like `task-worker dispatch`, but without a process. Returns the job's id. */
  async dispatch(task: string, payload: object = {}, options: Partial<DispatchOptions> = {}): Promise<string> {
    this.#app ??= buildApp(parseConfig({ ...this.env, LOG_LEVEL: 'ERROR' }), 'test', this.#stack);
    const { dispatcher } = await this.#app;
    const by = { source: 'cli', initiatedBy: 'test', ...options } as const;
    return (await dispatcher.dispatchNamed(task, payload, by)).jobId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

type Parts = {
  postgres: LocalPostgres;
  redis: LocalRedis;
  telegram: TelegramSandbox;
  panel: PanelSandbox | undefined;
  cryptopay: CryptoPaySandbox;
  mail: MailServers | undefined;
  databaseUrl: string;
};

/** The parts that started stay on the stack even when another cannot start. */
async function startParts(options: WorldOptions, stack: AsyncDisposableStack): Promise<Parts> {
  const [postgres, redis, telegram, panel, cryptopay, mail] = await all([
    startPostgres({ durable: options.durable ?? false }).then((server) => stack.use(server)),
    startRedis({ appendonly: options.appendonly ?? false }).then((server) => stack.use(server)),
    startTelegramSandbox({ limits: options.telegramLimits ?? {} }).then((sandbox) => stack.use(sandbox)),
    startPanel(options.panel).then((sandbox) => stack.use(sandbox)),
    startCryptoPaySandbox().then((sandbox) => stack.use(sandbox)),
    startMailServers(options.mail ?? false, stack),
  ]);
  const databaseUrl = await postgres.createDatabase(DATABASE);
  await createPlatformTables(databaseUrl);
  await createServerGeolocations(databaseUrl);
  if (options.seed) await seedPlatform(databaseUrl);
  return { postgres, redis, telegram, panel, cryptopay, mail, databaseUrl };
}

/** Like `Promise.all`, but waits for all before it throws, so that the started parts are known. */
async function all<T extends readonly Promise<unknown>[]>(promises: readonly [...T]) {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

/** Imports the panel only where needed, because its contract packages take a second to load. */
async function startPanel(options: WorldOptions['panel']): Promise<PanelSandbox | undefined> {
  if (!options) return undefined;
  const { startPanelSandbox } = await import('../../../sandbox/panel/server.ts');
  return await startPanelSandbox({ generation: 3, ...options });
}

async function startMailServers(isWanted: boolean, stack: AsyncDisposableStack): Promise<MailServers | undefined> {
  if (!isWanted) return undefined;
  const { startSmtpSandbox } = await import('../../../sandbox/smtp/server.ts');
  const [primary, resend] = await Promise.all([startSmtpSandbox(), startSmtpSandbox()]);
  return { primary: stack.use(primary), resend: stack.use(resend) };
}

function environment({ databaseUrl, redis, telegram, panel, cryptopay, mail }: Parts): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    REMNAWAVE_URL: panel?.url ?? NOWHERE,
    REMNAWAVE_API_TOKEN: panel?.token ?? randomBytes(16).toString('hex'),
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_URL: telegram.url,
    CRYPTOBOT_TOKEN: cryptopay.token,
    CRYPTOBOT_API_URL: cryptopay.url,
    ADMIN_TELEGRAM_IDS: '900001',
    DEFAULT_LOCALE: 'en',
    WORKER_CONCURRENCY: '1',
    DB_POOL_SIZE: '5',
    METRICS_PORT: '0',
    // The folder is removed with the server, even after a kill.
    EXPORT_DIR: join(redis.dir, 'exports'),
    ...(mail && {
      SMTP_URL: mail.primary.url,
      SMTP_URL_RESEND: mail.resend.url,
      EMAIL_FROM: 'CyberVPN <no-reply@cybervpn.example>',
      MAGIC_LINK_BASE_URL: 'https://app.cybervpn.example/magic-link',
    }),
  };
}

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { minutes } from '../../src/lib/duration.ts';
import { freePort } from '../../src/testing/servers/free-port.ts';
import { until } from '../../src/testing/until.ts';
import { World } from '../../src/testing/world/world.ts';
import type { Lab } from './lab.ts';
import { OriginalProcess } from './original-process.ts';
import { exists, type Original, openOriginal, type Project } from './snapshot.ts';

export type Place = {
  /** A bare git snapshot of the platform. */
  readonly git: string;
  /** A folder outside of this repository, for code, packages and logs. */
  readonly work: string;
};

const run = promisify(execFile);

type Env = Readonly<Record<string, string>>;

const HOSTS = join(import.meta.dirname, 'hosts');
/** Values that let the backend start; nothing that they guard is real. */
const SECRET = 'original-of-a-test-0123456789abcdef';

/** The platform's own processes over the servers and sandboxes of a world. Its tables are those that the backend's migrations make. */
export class OriginalPlatform implements AsyncDisposable {
  readonly world: World;
  readonly #place: Place;
  readonly #originals: Record<Project, Original>;
  readonly #processes: OriginalProcess[] = [];

  private constructor(world: World, place: Place, originals: Record<Project, Original>) {
    this.world = world;
    this.#place = place;
    this.#originals = originals;
  }

  /** Takes minutes the first time, for the packages, and half a minute for the tables. */
  static async start(place: Place, env: Env = {}): Promise<OriginalPlatform> {
    const originals = {
      backend: await openOriginal('backend', place),
      'python-worker': await openOriginal('python-worker', place),
    };
    const panel = { generation: 2, nodes: 2 } as const;
    const world = await World.start({ panel, mail: true, telegramLimits: NO_LIMITS, env });
    const platform = new OriginalPlatform(world, place, originals);
    await world.pool.query('drop schema public cascade');
    await platform.#makeTables();
    return platform;
  }

  /** The backend, and the Python worker with all of its tasks. */
  async startAll(): Promise<Lab> {
    const backendUrl = await this.startBackend();
    const metricsPort = String(await freePort());
    await this.taskiq(['worker', 'src.broker:broker', 'src.schedules.definitions', '--workers', '1'], {
      METRICS_PORT: metricsPort,
    });
    const { cryptopay, databaseUrl, redis } = this.world;
    return {
      work: this.#place.work,
      ...{ backendUrl, workerMetricsUrl: `http://127.0.0.1:${metricsPort}/metrics` },
      ...{ databaseUrl, redisUrl: redis.url, cryptobotToken: cryptopay.token },
      originals: this.#originals,
      env: { backend: this.#backendEnv(), 'python-worker': this.#workerEnv() },
    };
  }

  /** `python -m src.serve`. Resolves to its address, once it answers. */
  async startBackend(env: Env = {}): Promise<string> {
    const port = String(await freePort());
    const url = `http://127.0.0.1:${port}`;
    const started = await this.#start('backend', ['-m', 'src.serve'], {
      ...this.#backendEnv(),
      API_PORT: port,
      METRICS_PORT: String(await freePort()),
      ...env,
    });
    const answers = async () => {
      if (started.isGone) throw new Error(`the backend ended; see ${this.#log('backend')}`);
      return await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    };
    await until(`the backend answers (${this.#log('backend')})`, answers, minutes(5));
    return url;
  }

  /** `taskiq worker …` or `taskiq scheduler …` in the folder of the Python worker, as in its containers. */
  async taskiq(words: readonly string[], env: Env = {}): Promise<OriginalProcess> {
    return await this.#start('python-worker', ['-m', 'taskiq', ...words], { ...this.#workerEnv(), ...env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((one) => one[Symbol.asyncDispose]()));
    await this.world[Symbol.asyncDispose]();
  }

  /** By the backend's own migrations and its own catalogue of plans the first time, which takes minutes on a loaded machine; afterwards from a dump of what they made. */
  async #makeTables(): Promise<void> {
    const dump = join(this.#place.work, 'tables.sql');
    const { databaseUrl } = this.world;
    if (await exists(dump)) return void (await run('psql', ['-q', '-v', 'ON_ERROR_STOP=1', '-f', dump, databaseUrl]));
    await this.world.pool.query('create schema public');
    const migration = await this.#start('backend', ['-m', 'alembic', 'upgrade', 'heads'], this.#backendEnv());
    if ((await migration.end()) !== 0) throw new Error(`alembic failed; see ${this.#log('backend')}`);
    const seed = await this.#start('backend', ['scripts/seed_pricing_catalog.py', '--apply'], this.#backendEnv());
    if ((await seed.end()) !== 0) throw new Error(`the catalogue cannot be made; see ${this.#log('backend')}`);
    await run('pg_dump', ['--no-owner', '--schema=public', '-f', dump, databaseUrl]);
  }

  async #start(project: Project, args: readonly string[], env: Env): Promise<OriginalProcess> {
    const { folder, python } = this.#originals[project];
    const started = await OriginalProcess.start({ python, args, folder, env, log: this.#log(project) });
    this.#processes.push(started);
    return started;
  }

  #log(project: Project): string {
    return join(this.#place.work, `${project}.log`);
  }

  get #common(): Record<string, string> {
    const { cryptopay, env, telegram } = this.world;
    return {
      ENVIRONMENT: 'development',
      DATABASE_URL: env.DATABASE_URL!.replace('postgresql:', 'postgresql+asyncpg:'),
      REDIS_URL: env.REDIS_URL!,
      REMNAWAVE_URL: env.REMNAWAVE_URL!,
      TELEGRAM_BOT_TOKEN: env.TELEGRAM_BOT_TOKEN!,
      CRYPTOBOT_TOKEN: env.CRYPTOBOT_TOKEN!,
      ORIGINAL_HOSTS: `api.telegram.org=${telegram.url},pay.crypt.bot=${cryptopay.url}`,
    };
  }

  #backendEnv(): Record<string, string> {
    return {
      ...this.#common,
      PYTHONPATH: `${HOSTS}:${this.#originals.backend.folder}`,
      REMNAWAVE_TOKEN: this.world.env.REMNAWAVE_API_TOKEN!,
      JWT_SECRET: SECRET,
      TOTP_ENCRYPTION_KEY: SECRET.slice(0, 32),
      API_HOST: '127.0.0.1',
      METRICS_HOST: '127.0.0.1',
      OTEL_ENABLED: 'false',
      COOKIE_SECURE: 'false',
      REGISTRATION_ENABLED: 'true',
      REGISTRATION_INVITE_REQUIRED: 'false',
      GIFT_CODES_ENABLED: 'true',
      STAGE1_ADDONS_ENABLED: 'true',
      REFERRAL_ENABLED: 'true',
      PROMO_CODES_ENABLED: 'true',
      CHECKOUT_CODE_DISCOUNTS_ENABLED: 'true',
      // Customers come from addresses of their own, as behind a proxy: three may register from one in a minute.
      TRUST_PROXY_HEADERS: 'true',
      TRUSTED_PROXY_IPS: '127.0.0.1',
      PARTNER_PORTAL_ENABLED: 'true',
      PARTNER_CODES_ENABLED: 'true',
      PARTNER_ATTRIBUTION_ENABLED: 'true',
      TELEGRAM_BOT_INTERNAL_SECRET: SECRET,
      GROWTH_CODE_HASH_SECRET: SECRET,
    };
  }

  #workerEnv(): Record<string, string> {
    const { mail } = this.world;
    const servers = mail ? [mail.primary.url, mail.resend.url].map((url) => new URL(url).host).join(',') : '';
    return {
      ...this.#common,
      PYTHONPATH: `${HOSTS}:${this.#originals['python-worker'].folder}`,
      REMNAWAVE_API_TOKEN: this.world.env.REMNAWAVE_API_TOKEN!,
      ADMIN_TELEGRAM_IDS: this.world.env.ADMIN_TELEGRAM_IDS!,
      METRICS_PROTECT: 'false',
      EMAIL_DEV_MODE: 'true',
      SMTP_SERVERS: servers,
      LOG_LEVEL: 'INFO',
    };
  }
}

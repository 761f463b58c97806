import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from '../../../src/lib/duration.ts';
import { freePort } from '../../../src/testing/servers/free-port.ts';
import { until } from '../../../src/testing/until.ts';

export type PanelVersionHere = '2.7.4' | '3.3.2';

export type OriginalPanelOptions = {
  /** Where `build.ts` has put both versions. */
  folder: string;
  version: PanelVersionHere;
  databaseUrl: string;
  redisUrl: string;
  port: number;
  webhookUrl: string;
};

/** The key of the signatures of its webhooks. */
export const WEBHOOK_SECRET = 'recorded0123456789recorded0123456789recorded0123456789recorded01';

/** With any other value the panel is refused its own old tokens after an upgrade. */
const SECRET = 'an-original-panel-for-records-that-guards-nothing-0123456789abcdef';

/** As Prisma keeps it; the panel's own start looks into it. */
const MIGRATIONS_TABLE = `
create table if not exists _prisma_migrations (
  id varchar(36) primary key, checksum varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null, logs text,
  rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count integer not null default 1)`;

const ROLES = ['api', 'processor', 'scheduler'] as const;
type Role = (typeof ROLES)[number];

/** Where Node is slow to start on a busy machine, the three processes take minutes. */
const START_WITHIN_MS = seconds(900);

/** Headers without which the panel cuts the connection. */
export const PROXIED = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };

/** Keeps the panel's database in a file, as it is before an upgrade. */
export const keep = (databaseUrl: string, file: string): void =>
  void execFileSync('pg_dump', ['-Fc', '-f', file, databaseUrl]);

/** Puts it back as it was. What a later version has made besides would stand in the way. */
export function putBack(databaseUrl: string, file: string): void {
  execFileSync('psql', ['-X', '-q', databaseUrl, '-c', 'drop schema public cascade; create schema public']);
  execFileSync('pg_restore', ['-d', databaseUrl, file]);
}

/** A real panel with its three processes, over a database that may come from an older version of it. */
export class OriginalPanel {
  readonly url: string;
  readonly version: PanelVersionHere;
  readonly #options: OriginalPanelOptions;
  readonly #processes = new Map<Role, ChildProcess>();

  constructor(options: OriginalPanelOptions) {
    this.#options = options;
    this.version = options.version;
    this.url = `http://127.0.0.1:${options.port}`;
  }

  /** Brings the database up to this version, fills in what the panel needs of its own, and starts all three processes. */
  async start(): Promise<void> {
    this.#migrate();
    const env = await this.#environment();
    execFileSync(process.execPath, ['-r', './engine.cjs', 'dist/seed.js'], { cwd: this.#home, env, stdio: 'ignore' });
    for (const role of ROLES) this.#processes.set(role, this.#spawn(role, { ...env, INSTANCE_TYPE: role }));
    await until(`panel ${this.#options.version} answers`, () => this.#answers(), START_WITHIN_MS);
  }

  /** Ends all three, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all(ROLES.map((role) => this.end(role)));
  }

  /** Ends one of them, and waits until it is gone. Without its scheduler a panel overlooks whose time is over. */
  async end(role: Role): Promise<void> {
    const child = this.#processes.get(role);
    this.#processes.delete(role);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), seconds(10));
    await gone;
    clearTimeout(late);
  }

  get #home(): string {
    return join(this.#options.folder, this.#options.version);
  }

  async #answers(): Promise<boolean> {
    const dead = [...this.#processes.values()].find(({ exitCode }) => exitCode !== null);
    if (dead) throw new Error(`a process of the panel ended: read the logs in ${this.#options.folder}`);
    const response = await fetch(`${this.url}/api/auth/status`, { headers: PROXIED }).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  }

  #spawn(role: Role, env: NodeJS.ProcessEnv): ChildProcess {
    // A file and no pipe: what a process says as it dies would be lost in a pipe.
    const log = openSync(join(this.#options.folder, `${this.#options.version}-${role}.log`), 'a');
    const args = ['-r', './engine.cjs', `dist/${role}.js`];
    const child = spawn(process.execPath, args, { cwd: this.#home, env, stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  }

  async #environment(): Promise<NodeJS.ProcessEnv> {
    const { databaseUrl, port, redisUrl, webhookUrl } = this.#options;
    const redis = new URL(redisUrl);
    return {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      // The makers' images carry it.
      __RW_METADATA_VERSION: this.#options.version,
      TZ: 'UTC',
      APP_PORT: String(port),
      METRICS_PORT: String(await freePort()),
      METRICS_USER: 'metrics',
      METRICS_PASS: 'metrics',
      DATABASE_URL: databaseUrl,
      DIRECT_URL: databaseUrl,
      REDIS_HOST: redis.hostname,
      REDIS_PORT: redis.port,
      JWT_AUTH_SECRET: SECRET,
      JWT_API_TOKENS_SECRET: SECRET,
      APP_SECRET: SECRET,
      FRONT_END_DOMAIN: '*',
      PANEL_DOMAIN: 'panel.example.test',
      SUB_PUBLIC_DOMAIN: 'sub.example.test',
      WEBHOOK_ENABLED: 'true',
      WEBHOOK_URL: webhookUrl,
      WEBHOOK_SECRET_HEADER: WEBHOOK_SECRET,
    };
  }

  /** Applies the migrations that this database lacks, each by psql, as some may not run in a transaction. */
  #migrate(): void {
    const { databaseUrl } = this.#options;
    const psql = (...args: string[]): string =>
      execFileSync('psql', ['-X', '-q', '-t', '-A', '-v', 'ON_ERROR_STOP=1', databaseUrl, ...args], {
        encoding: 'utf8',
      });
    psql('-c', MIGRATIONS_TABLE);
    const applied = new Set(psql('-c', 'select migration_name from _prisma_migrations').split('\n'));
    const folder = join(this.#home, 'prisma/migrations');
    const missing = readdirSync(folder).filter(
      (name) => !applied.has(name) && existsSync(join(folder, name, 'migration.sql')),
    );
    const steps = missing.sort().flatMap((name) => {
      const note = `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values (gen_random_uuid(), '', '${name}', now())`;
      return ['-f', join(folder, name, 'migration.sql'), '-c', note];
    });
    if (steps.length > 0) psql(...steps);
  }
}

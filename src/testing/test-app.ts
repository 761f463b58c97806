import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { startTelegramSandbox, type TelegramSandbox } from '../../sandbox/telegram/server.ts';
import { type App, buildApp } from '../app/build-app.ts';
import { parseConfig } from '../config.ts';
import type { Result } from '../runtime/define-task.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Services } from '../services.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { type TestRedis, testRedis } from './redis.ts';

export type RunOptions = {
  now?: Date;
  enqueuedAt?: Date;
  scheduledFor?: Date;
  jobId?: string;
  attempt?: number;
  replays?: number;
  signal?: AbortSignal;
  initiatedBy?: string;
  /** Replaces services of the application for this run, those with pauses: of clean-up, of telling the backend. */
  services?: Partial<Pick<Services, 'cleanupPause' | 'entitlements'>>;
};

/** The whole application over real servers and the sandbox. It starts no runner and no schedule. */
export interface TestApp extends AsyncDisposable {
  readonly app: App;
  readonly database: TestDatabase;
  readonly redis: TestRedis;
  readonly telegram: TelegramSandbox;
  /** The environment that another process needs to work on the same world. */
  readonly env: Env;
  /** Runs one task as production does, through the whole onion, and returns its result. */
  run(task: string, payload?: object, options?: RunOptions): Promise<Result>;
}

/** Instead of 2 s. What a test's lists hold comes in one page. */
const UNREADABLE_WAIT_MS = 200;

type Env = Readonly<Record<string, string>>;

/** Built once per test file in `beforeAll`; `environment` overrides single variables, as a function where they depend on the others. */
export async function testApp(environment: Env | ((others: Env) => Promise<Env>) = {}): Promise<TestApp> {
  const stack = new AsyncDisposableStack();
  const [database, redis, telegram] = await Promise.all([
    testDatabase(),
    testRedis(),
    startTelegramSandbox({ limits: NO_LIMITS }),
  ]);
  for (const part of [database, redis, telegram]) stack.use(part);
  const others = {
    DATABASE_URL: database.url,
    REDIS_URL: redis.url,
    REMNAWAVE_URL: 'http://127.0.0.1:9',
    REMNAWAVE_API_TOKEN: randomBytes(8).toString('hex'),
    TELEGRAM_BOT_TOKEN: telegram.token,
    TELEGRAM_API_URL: telegram.url,
    TELEGRAM_RATE_PER_SECOND: '2000',
    CRYPTOBOT_TOKEN: randomBytes(8).toString('hex'),
    CRYPTOBOT_API_URL: 'http://127.0.0.1:9',
    ADMIN_TELEGRAM_IDS: '900000001',
    DEFAULT_LOCALE: 'en',
    LOG_LEVEL: 'ERROR',
    EXPORT_DIR: join(redis.server.dir, 'exports'),
    METRICS_PORT: '0',
    DB_POOL_SIZE: '5',
  };
  const env = { ...others, ...(typeof environment === 'function' ? await environment(others) : environment) };
  const app = await buildApp(parseConfig(env), 'test', stack, { unreadableWaitMs: UNREADABLE_WAIT_MS });
  return {
    app,
    database,
    redis,
    telegram,
    env,
    run: (task, payload = {}, options = {}) =>
      runOnce(task, payload, {
        ...app,
        middleware: app.middleware(async () => undefined),
        initiatedBy: 'test',
        now: app.parts.foundation.clock.now(),
        ...options,
        services: { ...app.services, ...options.services },
        signal: options.signal ?? new AbortController().signal,
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

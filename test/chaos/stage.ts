import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type S3Sandbox, startS3Sandbox } from '../../sandbox/s3/server.ts';
import { type SmtpSandbox, startSmtpSandbox } from '../../sandbox/smtp/server.ts';
import { NO_LIMITS } from '../../sandbox/telegram/limits.ts';
import { days } from '../../src/lib/duration.ts';
import { TcpProxy } from '../../src/testing/servers/tcp-proxy.ts';
import { World } from '../../src/testing/world/world.ts';
import { SkewedClock } from './clock.ts';
import { Crew } from './crew.ts';
import { PANEL_SECRET } from './load/panel-events.ts';
import { STAFF } from './load/staff.ts';
import { STAFF_BOT_ENV } from './load/staff-bot.ts';
import { LogBook } from './log-book.ts';
import type { Slot } from './plan.ts';
import { Timeline } from './timeline.ts';

export type StageOptions = {
  /** Messages a second that the service may send. */
  ratePerSecond: number;
  /** Exports go to a bucket instead of a folder. */
  bucket: boolean;
  /** The number of panel users that no part of the load touches. */
  bystanders: number;
  /** Overrides the stage's own environment. */
  env?: Readonly<Record<string, string>>;
};

/** The servers that the service reaches only through a proxy. */
export type Proxies = { redis: TcpProxy; postgres: TcpProxy };

/** The schedules of the load: tasks that run every few minutes in a deployment run every few seconds here. */
export const SCHEDULES: Readonly<Record<string, string>> = {
  process_notification_queue: '2s',
  verify_pending_payments: '5s',
  retry_failed_webhooks: '10s',
  auto_renew_subscriptions: '15s',
  disable_expired_users: '15s',
  check_expiring_subscriptions: '20s',
  check_server_health: '10s',
  monitor_queue_depth: '3s',
  update_realtime_metrics: '5s',
  sync_user_stats: '10s',
  collect_bandwidth_snapshots: '15s',
  start_due_broadcasts: '10s',
  run_campaigns: '20s',
  reset_monthly_traffic: '20s',
  check_external_services: '3s',
};

/** Everything that a run needs: the world, proxies before its servers, and the service's processes. */
export class Stage implements AsyncDisposable {
  readonly world: World;
  readonly proxies: Proxies;
  readonly smtp: SmtpSandbox;
  readonly s3: S3Sandbox | undefined;
  readonly exportFolder: string;
  readonly clock: SkewedClock | undefined;
  readonly timeline = new Timeline();
  readonly logs: LogBook;
  readonly crew: Crew;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Omit<StageParts, 'options'>, stack: AsyncDisposableStack) {
    this.world = parts.world;
    this.proxies = parts.proxies;
    this.smtp = parts.smtp;
    this.s3 = parts.s3;
    this.exportFolder = parts.exportFolder;
    this.clock = parts.clock;
    this.logs = parts.logs;
    this.#stack = stack;
    this.crew = new Crew({ world: this.world, timeline: this.timeline, envOf: (slot) => this.#envOf(slot) });
  }

  static async start(options: StageOptions): Promise<Stage> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const exportFolder = join(folder, 'exports');
    await mkdir(exportFolder);
    const smtp = stack.use(await startSmtpSandbox());
    const s3 = options.bucket ? stack.use(await startS3Sandbox()) : undefined;
    const logs = new LogBook();
    const world = stack.use(
      await World.start({
        appendonly: true,
        seed: true,
        telegramLimits: NO_LIMITS,
        panel: { generation: 3, users: options.bystanders, nodes: 3, validateResponses: 'sample' },
        env: environment(options, { exportFolder, smtp, s3 }),
        onLine: (role, line) => logs.read(role, line),
      }),
    );
    const { code, stderr } = await world.command(['schema', 'install']);
    if (code !== 0) throw new Error(`schema install: ${stderr}`);
    const proxies = {
      redis: stack.use(await TcpProxy.start(world.redis.port)),
      postgres: stack.use(await TcpProxy.start(world.postgres.port)),
    };
    const clock = await SkewedClock.find(folder);
    return new Stage({ world, proxies, smtp, s3, exportFolder, clock, logs }, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** The second worker's clock can be set. */
  #envOf(slot: Slot): Record<string, string> {
    return {
      DATABASE_URL: through(this.world.env.DATABASE_URL!, this.proxies.postgres),
      REDIS_URL: through(this.world.env.REDIS_URL!, this.proxies.redis),
      ...(slot === 'worker-2' ? this.clock?.env : undefined),
    };
  }
}

type StageParts = {
  options: StageOptions;
  world: World;
  proxies: Proxies;
  smtp: SmtpSandbox;
  s3: S3Sandbox | undefined;
  exportFolder: string;
  clock: SkewedClock | undefined;
  logs: LogBook;
};

function environment(
  options: StageOptions,
  { exportFolder, s3, smtp }: Pick<StageParts, 'exportFolder' | 's3' | 'smtp'>,
): Record<string, string> {
  return {
    TELEGRAM_RATE_PER_SECOND: String(options.ratePerSecond),
    API_TOKENS: STAFF,
    ...STAFF_BOT_ENV,
    REMNAWAVE_WEBHOOK_SECRET: PANEL_SECRET,
    TASKIQ_RESULT_FORMAT: 'json',
    // Results are evidence, and a worker whose clock is two hours ahead would forget those of the hour before.
    RESULT_TTL_SECONDS: String(days(1) / 1000),
    EXPORT_DIR: exportFolder,
    SMTP_URL: smtp.url,
    EMAIL_FROM: 'vpn@example.com',
    MAGIC_LINK_BASE_URL: 'https://example.com/login',
    ...(s3 && {
      S3_BUCKET: s3.name,
      S3_ENDPOINT: s3.url,
      S3_ACCESS_KEY_ID: s3.keys.accessKeyId,
      S3_SECRET_ACCESS_KEY: s3.keys.secretAccessKey,
      S3_FORCE_PATH_STYLE: 'true',
    }),
    ...Object.fromEntries(Object.entries(SCHEDULES).map(([task, every]) => [`SCHEDULE_${task.toUpperCase()}`, every])),
    ...options.env,
  };
}

function through(address: string, proxy: TcpProxy): string {
  const url = new URL(address);
  url.port = String(proxy.port);
  return url.href;
}

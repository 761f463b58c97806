import { CryptoBotClient } from '../clients/cryptobot/client.ts';
import { type ClientObserver, ClientPolicy } from '../clients/policy.ts';
import { connectPanel } from '../clients/remnawave/connect.ts';
import { TelegramClient } from '../clients/telegram/client.ts';
import { StaffBot } from '../clients/telegram/staff-bot.ts';
import type { Config, Settings } from '../config.ts';
import { Calendar } from '../lib/calendar.ts';
import { seconds } from '../lib/duration.ts';
import type { JobAct } from '../lib/job-act.ts';
import type { RedisClient } from '../lib/redis-client.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import { AuditLogs } from '../repositories/audit-logs.ts';
import type { Database } from '../repositories/database.ts';
import { GrowthDeliveries } from '../repositories/growth-deliveries.ts';
import { Notifications } from '../repositories/notifications.ts';
import { BackendKeys } from '../repositories/redis/backend-keys.ts';
import { ProgressRecords } from '../repositories/redis/bulk/progress-records.ts';
import { Events } from '../repositories/redis/events.ts';
import { Flags } from '../repositories/redis/flags.ts';
import { LastSuccesses } from '../repositories/redis/monitoring/last-successes.ts';
import { OutcomeStore } from '../repositories/redis/monitoring/outcome-store.ts';
import { PanelVersions } from '../repositories/redis/monitoring/panel-versions.ts';
import { ProcessNotes } from '../repositories/redis/monitoring/process-notes.ts';
import { DeliveryMarks } from '../repositories/redis/notifications/delivery-marks.ts';
import { TelegramLimiter } from '../repositories/redis/notifications/telegram-limiter.ts';
import { RedisGate } from '../repositories/redis/redis-gate.ts';
import { SharedClock } from '../repositories/redis/shared-clock.ts';
import { BreakerBook } from './monitoring/process-reporter.ts';
import { TaskOutcomes } from './monitoring/task-outcomes.ts';
import { UnreadableItems } from './monitoring/unreadable-items.ts';
import { TelegramSender } from './notifications/sender.ts';

/** What the engine does for services: they stand below it and cannot reach it by themselves. */
export type EngineHooks = {
  /** Has `notification_queue` looked at now. */
  signalDelivery(): Promise<void>;
  /** Does this to one job, once for each `actId`. False where the job is not in the state for it. */
  actOnJob(act: JobAct, jobId: string, actId: string): Promise<boolean>;
  /** Whether the job is in the state for it. */
  canActOnJob(act: JobAct, jobId: string): Promise<boolean>;
  /** Has a scheduled task run now, besides its schedule. A job that was asked for waits and looks again. */
  rerun(task: string): Promise<void>;
  /** The period of every schedule that is on, in milliseconds, by task. */
  schedulePeriods(now: Date): ReadonlyMap<string, number>;
};

export type FoundationOptions = {
  /** The part that tasks see. */
  settings: Settings;
  /** How the services outside are reached. */
  neighbours: Pick<
    Config,
    | 'ADMIN_BOT_TOKEN'
    | 'CRYPTOBOT_API_URL'
    | 'CRYPTOBOT_TOKEN'
    | 'REMNAWAVE_API_TOKEN'
    | 'REMNAWAVE_CONCURRENCY'
    | 'REMNAWAVE_URL'
    | 'TELEGRAM_API_URL'
    | 'TELEGRAM_BOT_TOKEN'
    | 'TELEGRAM_PAID_RATE_PER_SECOND'
    | 'TELEGRAM_RATE_PER_SECOND'
  >;
  version: string;
  /** For tests: how long items that cannot be read wait to be told. */
  unreadableWaitMs?: number | undefined;
  database: Database;
  redis: RedisClient;
  engine: EngineHooks;
  log: Log;
  metrics: Metrics;
  tracing: Pick<Tracing, 'called'> | undefined;
};

/** Panel and Crypto Pay answer in well under a second; after this the outcome counts as unknown. */
const OUTSIDE_CALL_MS = seconds(15);

/** What every capability stands on. */
export type Foundation = ReturnType<typeof layFoundation>;

/**
 * Builds what more than one capability uses, each once; `services` are those that tasks may need. Nothing here connects or waits: a
 * dependency that is down does not stop the start.
 */
export function layFoundation({ neighbours, database, engine, redis, settings, ...options }: FoundationOptions) {
  const { log, metrics, tracing, unreadableWaitMs, version } = options;
  const growth = new GrowthDeliveries({
    db: database,
    onTrouble: (err) =>
      log.warn({ err }, 'growth deliveries not kept, notifications go on; see task-worker schema check'),
  });
  const clock = new SharedClock(redis);
  const unreadable = new UnreadableItems({
    clock: () => clock.now(),
    log,
    count: (source, items) => metrics.unreadableItems(source, items),
    tellAfterMs: unreadableWaitMs,
  });
  const { onRead, onStored } = unreadable;
  const calendar = new Calendar(settings.REPORT_DAY === 'local' ? settings.TIME_ZONE : 'UTC');
  const outcomes = new OutcomeStore(redis, calendar);
  const lastSuccesses = new LastSuccesses(redis, onStored);
  const taskOutcomes = new TaskOutcomes({ store: outcomes, successes: lastSuccesses, clock: () => clock.now(), log });
  const breakers = new BreakerBook();
  const calls: ClientObserver = {
    called(call) {
      metrics.called(call);
      tracing?.called(call);
    },
    breaker(service, state, why) {
      metrics.breaker(service, state);
      breakers.note(service, state, why, clock.now());
    },
  };
  const observer: ClientObserver = {
    ...calls,
    called(call) {
      calls.called(call);
      taskOutcomes.called(call);
    },
  };
  const telegram = new TelegramClient({
    token: neighbours.TELEGRAM_BOT_TOKEN,
    apiRoot: neighbours.TELEGRAM_API_URL,
    observer,
  });
  const limiter = new TelegramLimiter(redis, {
    ratePerSecond: neighbours.TELEGRAM_RATE_PER_SECOND,
    onTurn: (lane, waited) => metrics.rateLimitWaited(`telegram_${lane}`, waited),
  });
  const paidRate = neighbours.TELEGRAM_PAID_RATE_PER_SECOND;
  const paidLimiter =
    paidRate === undefined
      ? undefined
      : new TelegramLimiter(redis, {
          ratePerSecond: paidRate,
          isPaid: true,
          onTurn: (_, waited) => metrics.rateLimitWaited('telegram_paid', waited),
        });
  const rates = { regular: limiter, paid: paidLimiter };
  const marks = new DeliveryMarks(redis);
  const panelGate = new RedisGate({
    redis,
    resource: 'remnawave',
    limit: neighbours.REMNAWAVE_CONCURRENCY,
    onFallback: (err) => log.warn({ err }, 'panel limit holds per process only, until Redis is back'),
    onAcquired: (waited) => metrics.rateLimitWaited('remnawave', waited),
  });
  const panelAddress = { baseUrl: neighbours.REMNAWAVE_URL, token: neighbours.REMNAWAVE_API_TOKEN };
  const panelVersions = new PanelVersions(redis);
  const services = {
    auditLogs: new AuditLogs(database, version),
    backendKeys: new BackendKeys(redis, (err) => log.warn({ err }, 'key of the backend not written, it expires')),
    calendar,
    events: new Events(redis, (err) => log.warn({ err }, 'event not published'), onStored),
    flags: new Flags(redis),
    notifications: new Notifications(database, growth),
    panel: connectPanel({
      ...{ ...panelAddress, onRead, shared: panelVersions },
      policy: new ClientPolicy({ service: 'remnawave', observer, timeLimitMs: OUTSIDE_CALL_MS, gate: panelGate }),
    }),
    progress: new ProgressRecords(
      redis,
      (err) => log.warn({ err }, 'progress not recorded, the work goes on'),
      onStored,
    ),
    settings,
  };
  return {
    services,
    breakers,
    /** The bot's own id, the part of its token that is no secret. */
    bot: neighbours.TELEGRAM_BOT_TOKEN.split(':')[0]!,
    calls,
    clock,
    cryptobot: new CryptoBotClient({
      token: neighbours.CRYPTOBOT_TOKEN,
      baseUrl: neighbours.CRYPTOBOT_API_URL,
      onRead,
      policy: new ClientPolicy({ service: 'cryptobot', observer, timeLimitMs: OUTSIDE_CALL_MS }),
    }),
    database,
    engine,
    lastSuccesses,
    log,
    marks,
    metrics,
    outcomes,
    panelAddress,
    panelVersions,
    processNotes: new ProcessNotes(redis, onStored),
    rates,
    redis,
    sender: new TelegramSender(telegram, rates, marks, () => clock.now()),
    staffBot: staffBotOf({ calls, clock, metrics, neighbours, redis }),
    taskOutcomes,
    telegram,
    unreadable,
  };
}

/** The staff's own bot, with a rate and a breaker of its own; undefined where it has no token. */
function staffBotOf({
  calls: observer,
  clock,
  metrics,
  neighbours,
  redis,
}: Pick<FoundationOptions, 'metrics' | 'neighbours' | 'redis'> & { calls: ClientObserver; clock: SharedClock }) {
  const { ADMIN_BOT_TOKEN: token, TELEGRAM_API_URL: apiRoot, TELEGRAM_RATE_PER_SECOND: ratePerSecond } = neighbours;
  if (token === undefined) return undefined;
  const bot = { token, apiRoot, variable: 'ADMIN_BOT_TOKEN', observer };
  const telegram = new TelegramClient({ ...bot, service: 'telegram_staff' });
  const marks = new DeliveryMarks(redis, 'staff');
  const limiter = new TelegramLimiter(redis, {
    ...{ ratePerSecond, bot: 'staff' },
    onTurn: (lane, waited) => metrics.rateLimitWaited(`telegram_staff_${lane}`, waited),
  });
  const listener = new StaffBot(bot);
  return {
    ...{ listener, marks },
    sender: new TelegramSender(telegram, { regular: limiter, paid: undefined }, marks, () => clock.now()),
    [Symbol.dispose](): void {
      telegram[Symbol.dispose]();
      listener[Symbol.dispose]();
    },
  };
}

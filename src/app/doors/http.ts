import { days, seconds } from '../../lib/duration.ts';
import { MONEY_DAYS } from '../../lib/figure-definitions.ts';
import type { Locale } from '../../lib/locale.ts';
import { Remembered } from '../../lib/remembered.ts';
import { WATCHED_SERVICES } from '../../messages/monitoring.ts';
import { EndedSessions } from '../../repositories/redis/ended-sessions.ts';
import { IdempotencyKeys } from '../../repositories/redis/idempotency-keys.ts';
import { limitsInUse } from '../../repositories/redis/monitoring/limits-in-use.ts';
import { schedulesOf } from '../../runtime/scheduler.ts';
import controlBulkBroadcast from '../../tasks/bulk/control-bulk-broadcast.ts';
import executeBulkBroadcast from '../../tasks/bulk/execute-bulk-broadcast.ts';
import executeBulkUserOperation from '../../tasks/bulk/execute-bulk-user-operation.ts';
import generateDataExport from '../../tasks/bulk/generate-data-export.ts';
import sendBroadcast from '../../tasks/bulk/send-broadcast.ts';
import type { AuditedAct, DeadMessage, HttpContext } from '../../triggers/http/context.ts';
import type { DeskContext } from '../../triggers/payment-desk.ts';
import type { App } from '../build-app.ts';
import { doctorContext } from '../doctor/examinations.ts';
import { rememberFindings } from '../doctor/remembered-findings.ts';
import { alertsOf } from './alerts-of.ts';
import { approvalsOf } from './approvals-of.ts';
import { brakesContext } from './brakes.ts';
import { broadcastsOf } from './broadcasts-of.ts';
import { campaignsOf } from './campaigns-of.ts';
import { historyOf } from './history.ts';
import { outboxOf } from './outbox-of.ts';
import { paymentDeskOf } from './payment-desk-of.ts';
import { receiptsOf } from './receipts-of.ts';
import { reportsOf } from './reports-of.ts';
import { shownRunbooks } from './runbooks-of.ts';
import { shownSettings } from './shown-settings.ts';
import { loginLinksOf, staffTokens } from './staff-bot.ts';

/** The limit of explaining one user, which asks the panel, Redis and PostgreSQL. */
const EXPLAIN_LIMIT_MS = seconds(10);

/** Payments that wait for a person, as the bell and the first page count them. */
const WAITING_LISTED = 100;
/** Half of what a view may take: for these figures the platform's tables have no index. */
const PATIENCE_MS = 150;

type Env = Readonly<Record<string, string | undefined>>;

/** The dependencies of the API and the console. `env` is for the doctor alone, which looks for misspelt names. Undefined without an API token, which switches both off. */
export function httpContext(app: App, env: Env = process.env): HttpContext | undefined {
  const { config, parts, redis, services } = app;
  if (config.API_TOKENS.length === 0) return undefined;
  const clock = (): Date => parts.foundation.clock.now();
  const broadcasts = broadcastsOf(app, 'http');
  const desk = forgetting(paymentDeskOf(app, 'http'), () => [waiting.en, waiting.ru].map((one) => one.forget()));
  const waitingIn = (locale: Locale) =>
    new Remembered(() => desk.list({ all: false, open: false, limit: WAITING_LISTED, locale }), PATIENCE_MS);
  const waiting = { en: waitingIn('en'), ru: waitingIn('ru') };
  const money = new Remembered(async () => {
    const asOf = clock();
    const from = new Date(asOf.getTime() - days(MONEY_DAYS));
    return { asOf, sums: await services.paymentStats.completedBetween(from, asOf) };
  }, PATIENCE_MS);
  return {
    tokens: config.API_TOKENS,
    people: staffTokens(config),
    loginLinks: loginLinksOf(app),
    version: app.version,
    log: app.log,
    secureCookies: config.PUBLIC_URL?.startsWith('https:') ?? false,
    defaultLocale: config.DEFAULT_LOCALE,
    timeZone: config.TIME_ZONE,
    calendar: services.calendar,
    registry: app.registry,
    dispatcher: app.dispatcher,
    queues: app.queues,
    // Schedules of tasks that are switched off are included: they are shown as off.
    schedules: schedulesOf({ ...app, settings: config, overrides: config.schedules, disabledTasks: new Set() }),
    disabledTasks: app.disabledTasks,
    pausedSchedules: parts.pausedSchedules,
    jobs: app.jobs,
    progress: services.progress,
    idempotency: new IdempotencyKeys(redis, parts.foundation.unreadable.onStored),
    deadJobs: app.deadJobs,
    deadMessages: deadMessages(app),
    approvals: approvalsOf(app, broadcasts, 'http'),
    ...brakesContext(app),
    buttons: {
      pauses: executeBulkBroadcast,
      pausesBy: controlBulkBroadcast,
      sends: sendBroadcast,
      operates: executeBulkUserOperation,
      downloads: generateDataExport,
    },
    state: {
      nodes: async () => (await services.nodeHealth.all()).nodes.map(({ record }) => record),
      services: async () =>
        (await Promise.all(WATCHED_SERVICES.map((name) => parts.serviceHealth.find(name)))).filter(
          (one) => one !== undefined,
        ),
      alerts: () => parts.alertStates.active(clock()),
      queues: () => services.queueSnapshots.latest(),
      deliveries: (minutes) => parts.deliveryCounts.latest(minutes, clock()),
      deliveryHours: (hours) => parts.deliveryCounts.latestHours(hours, clock()),
      lastRuns: () => app.lastRuns.all(),
      processes: () => parts.foundation.processNotes.all(clock()),
      limits: async () => ({
        ...(await limitsInUse(redis)),
        telegramRate: config.TELEGRAM_RATE_PER_SECOND,
        panelConcurrency: config.REMNAWAVE_CONCURRENCY,
      }),
    },
    alerts: alertsOf(app),
    runbooks: shownRunbooks,
    desk,
    waitingPayments: (locale) => waiting[locale].get(),
    reports: reportsOf(app),
    completedMoney: () => money.get(),
    outbox: rememberedOutbox(app),
    reachability: { clear: (telegramId) => parts.foundation.marks.noteReached(telegramId) },
    exports: parts.exportDownloads,
    explainUser: (who, telling) => parts.explain.user(who, clock(), AbortSignal.timeout(EXPLAIN_LIMIT_MS), telling),
    campaigns: campaignsOf(app),
    broadcasts,
    texts: services.customerTexts,
    history: historyOf(app, 'http'),
    receipts: receiptsOf(app, 'http'),
    doctor: rememberFindings(doctorContext(app, env), clock),
    settings: shownSettings(config),
    endedSessions: new EndedSessions(redis),
    audit: (act) => audit(app, act),
  };
}

/** A decision is seen at once where it was made, however long the list of what waits takes to read. */
function forgetting(desk: DeskContext, forget: () => void): DeskContext {
  const decided = async <T>(answer: Promise<T>): Promise<T> => await answer.finally(forget);
  return {
    ...desk,
    list: (query) => desk.list(query),
    show: (id, locale) => desk.show(id, locale),
    check: (...asked) => decided(desk.check(...asked)),
    assign: (...asked) => decided(desk.assign(...asked)),
    extend: (...asked) => decided(desk.extend(...asked)),
    given: (...asked) => decided(desk.given(...asked)),
    close: (...asked) => decided(desk.close(...asked)),
  };
}

/** Counts as they were a moment ago, where counting takes long. */
function rememberedOutbox(app: App): HttpContext['outbox'] {
  const outbox = outboxOf(app);
  const { clock } = app.parts.foundation;
  const counts = new Remembered(async () => ({ asOf: clock.now(), ...(await outbox.counts()) }), PATIENCE_MS);
  return { ...outbox, counts: () => counts.get() };
}

function deadMessages(app: App): HttpContext['deadMessages'] {
  const { deadEntries: entries } = app;
  type Entry = NonNullable<Awaited<ReturnType<typeof entries.get>>>;
  const described = ({ detail, diedAt, id, taskName }: Entry): DeadMessage => ({
    id,
    kind: 'message',
    task: taskName,
    failedAt: diedAt,
    reason: detail,
  });
  return {
    count: () => entries.count(),
    list: async (limit) => (await entries.list(limit)).map(described),
    async find(id) {
      const entry = await entries.get(id);
      return entry && { ...described(entry), message: entry.data.toString() };
    },
    replay: (id) => entries.replay(id),
  };
}

async function audit({ log, services }: App, act: AuditedAct): Promise<boolean> {
  const { action, address, agent = '', by, details, entityId, entityType, payloadDigest, role } = act;
  log.info({ action, entity_type: entityType, entity_id: entityId, by, address }, 'asked for over HTTP');
  const newValue = { by, ...(role && { role }), ...(payloadDigest && { payload_sha256: payloadDigest }), ...details };
  try {
    await services.auditLogs.write([{ action, entityType, entityId, newValue, from: { address, agent } }]);
    return true;
  } catch (err) {
    log.error({ err, action, entity_id: entityId, by }, 'not written to audit_logs');
    return false;
  }
}

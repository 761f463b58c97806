import { createHash, createHmac } from 'node:crypto';
import { hostname } from 'node:os';
import type { Config } from '../../config.ts';
import { CardAnswers } from '../../domain/alerts/card-answers.ts';
import type { ApiRole } from '../../lib/api-role.ts';
import { seconds } from '../../lib/duration.ts';
import { deliveryTotals } from '../../lib/figure-definitions.ts';
import { html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { LoginLinks } from '../../repositories/redis/staff/login-links.ts';
import { StaffPolls } from '../../repositories/redis/staff/staff-polls.ts';
import type { NamedToken } from '../../triggers/http/auth/tokens.ts';
import { alertText } from '../../triggers/http/console/alert-words.ts';
import { NODE_STATES } from '../../triggers/http/console/node-words.ts';
import { worstFirst } from '../../triggers/nodes.ts';
import type { StaffAct, StaffBotContext, StaffStatus } from '../../triggers/telegram-bot/context.ts';
import { StaffPoller } from '../../triggers/telegram-bot/poller.ts';
import { StaffUpdates } from '../../triggers/telegram-bot/staff-updates.ts';
import type { App } from '../build-app.ts';
import { approvalsOf } from './approvals-of.ts';
import { brakesOf } from './brakes.ts';
import { broadcastsOf } from './broadcasts-of.ts';
import { paymentDeskOf } from './payment-desk-of.ts';

/** Explaining one user asks the panel, Redis and PostgreSQL. */
const EXPLAIN_LIMIT_MS = seconds(10);
/** So many alerts are offered for muting, each in a message of its own. */
const MUTES_OFFERED = 5;
const DELIVERY_MINUTES = 60;

/** Who may use the bot, and what each may do. Groups get alerts, and have no role. */
const rolesOf = ({ ADMIN_TELEGRAM_IDS: admins }: Pick<Config, 'ADMIN_TELEGRAM_IDS'>): ReadonlyMap<number, ApiRole> =>
  new Map(admins.filter(({ telegramId }) => telegramId > 0).map(({ role, telegramId }) => [telegramId, role]));

/**
 * The people whom a link of the bot may log in to the console. Their sessions end when the bot's token, the role or the list changes, because
 * their keys follow from all three.
 */
export function staffTokens(people: Pick<Config, 'ADMIN_BOT_TOKEN' | 'ADMIN_TELEGRAM_IDS'>): NamedToken[] {
  const { ADMIN_BOT_TOKEN: secret } = people;
  if (secret === undefined) return [];
  return [...rolesOf(people)].map(([id, role]) => ({
    name: `telegram:${id}`,
    role,
    token: createHmac('sha256', secret).update(`console ${id} ${role}`).digest('hex'),
  }));
}

/** Links that the bot sends and the console takes. */
export const loginLinksOf = ({ redis }: Pick<App, 'redis'>): LoginLinks => new LoginLinks(redis);

/** Listens to the staff's bot until it is stopped; undefined where there is none. */
export function staffPollerOf(app: App, hasConsole: boolean): StaffPoller | undefined {
  const context = staffBotContext(app, { hasConsole });
  if (!context) return undefined;
  const updates = new StaffUpdates(context);
  return new StaffPoller(context, (update, signal) => updates.handle(update, signal));
}

/** What the staff's bot needs: the same services as the API and the console have. `by` names the process. */
export function staffBotContext(
  app: App,
  { by = `${hostname()}:${process.pid}`, hasConsole }: { by?: string; hasConsole: boolean },
): StaffBotContext | undefined {
  const { log, metrics, parts, redis, services } = app;
  const { settings } = services;
  const { alertAnswers, alertCards, alertStates, explain, foundation, staffCards } = parts;
  const { staffBot } = foundation;
  if (!staffBot) return undefined;
  const clock = (): Date => foundation.clock.now();
  const desk = paymentDeskOf(app, 'http');
  const cardAnswers = new CardAnswers({
    ...{ clock, desk, log },
    ...{ answers: alertAnswers, cards: alertCards, drawing: staffCards, states: alertStates },
    ...{ backlog: services.backlog, brake: services.brake },
    approvals: approvalsOf(app, broadcastsOf(app, 'http'), 'http'),
    replay: (jobId, actId) => app.deadJobs.replay(jobId, actId),
  });
  const zoned = new ZonedClock(settings.TIME_ZONE);
  const links = loginLinksOf(app);
  const { listener, sender } = staffBot;
  return {
    people: rolesOf(settings),
    defaultLocale: settings.DEFAULT_LOCALE,
    log,
    polls: new StaffPolls(redis, by),
    bot: {
      updates: (offset, signal) => listener.updates(offset, signal),
      answerTap: (id, text, signal) => listener.answerTap(id, text, signal),
      edit: (edit, signal) => listener.edit(edit, signal),
      setCommands: (commands, language, signal) => listener.setCommands(commands, language, signal),
      async send({ chatId, id, text }, signal) {
        await sender.send({ id, telegramId: chatId, text, parseMode: 'HTML', lane: 'urgent', preview: false }, signal);
      },
    },
    answer: (tap, chatId, person, locale) => cardAnswers.answer(tap, chatId, person, locale),
    status: (locale) => statusOf(app, clock(), locale),
    async nodes(locale) {
      const nodes = (await services.nodeHealth.all()).nodes.map(({ record }) => record);
      return worstFirst(nodes).map(({ name, since, status }) => ({
        text: `${name}: ${NODE_STATES[status].text[locale]}, ${zoned.minute(since)}`,
        isBad: status !== 'online' && status !== 'maintenance',
      }));
    },
    explain: (who, locale) =>
      explain.user(who, clock(), AbortSignal.timeout(EXPLAIN_LIMIT_MS), { locale, time: (at) => zoned.minute(at) }),
    desk,
    async offerMutes(chatId, update, signal) {
      const on = await alertStates.active(clock());
      for (const [i, { id: alert, kind, since, subject }] of on.slice(0, MUTES_OFFERED).entries()) {
        const text = html`<b>${alertText(kind, subject, settings.DEFAULT_LOCALE)}</b>`.toString();
        const message = { telegramId: chatId, text, parseMode: 'HTML', lane: 'urgent', preview: false } as const;
        const card = await staffCards.about([{ alert, kind, subject: alert, at: since, lasts: true }], message);
        const { buttons } = card;
        const sent = await sender.send({ ...message, id: `staff-bot:${update}:${i}`, buttons }, signal);
        if (sent.kind === 'sent') await staffCards.sent(card, sent.messageId);
      }
      return on.length;
    },
    async loginLink({ by: person }) {
      if (settings.PUBLIC_URL === undefined || !hasConsole) return undefined;
      return `${settings.PUBLIC_URL}/login/link?code=${await links.make(person)}`;
    },
    audit: (act) => audit(app, act),
    observer: metrics.staffBot,
  };
}

/** What cannot be read is unknown, and the rest is told. */
async function statusOf(app: App, now: Date, locale: Locale): Promise<StaffStatus> {
  const { deadJobs, parts, services } = app;
  const { alertStates, deliveryCounts } = parts;
  const known = <T>(read: Promise<T>): Promise<T | undefined> => read.catch(() => undefined);
  const [alerts, held, nodes, deadLetters, deliveries] = await Promise.all([
    known(alertStates.active(now)),
    known(brakesOf(app).list()),
    known(services.nodeHealth.all()),
    known(deadJobs.count()),
    known(deliveryCounts.latest(DELIVERY_MINUTES, now)),
  ]);
  const totals = deliveries && deliveryTotals(deliveries);
  return {
    alerts: alerts?.map(({ kind, subject }) => alertText(kind, subject, locale)),
    held: held?.map((one) => `${one.name}: ${one.held[locale]}`),
    nodes: nodes && {
      online: nodes.nodes.filter(({ record }) => record.status === 'online').length,
      all: nodes.nodes.length,
    },
    deadLetters,
    deliveries: totals && { sent: totals.sent, failed: totals.failed },
  };
}

/** Never throws: what was done must not look failed because it could not be recorded. */
async function audit({ log, services }: App, act: StaffAct): Promise<void> {
  const { action, by, details, entityId, entityType, payload, role } = act;
  log.info({ action, entity_type: entityType, entity_id: entityId, by }, "asked for by the staff's bot");
  const digest = createHash('sha256').update(payload).digest('hex');
  const newValue = { by, ...(role && { role }), payload_sha256: digest, ...details };
  try {
    const from = { address: 'telegram', agent: "the staff's bot" };
    await services.auditLogs.write([{ action, entityType, entityId, newValue, from }]);
  } catch (err) {
    log.error({ err, action, entity_id: entityId, by }, 'not written to audit_logs');
  }
}

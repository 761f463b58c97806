import { AlertWebhook } from '../../clients/alert-webhook.ts';
import type { Mailer } from '../../clients/mail/mailer.ts';
import { ClientPolicy } from '../../clients/policy.ts';
import type { Config } from '../../config.ts';
import { within } from '../../lib/deadline.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { sameBeginning } from '../../repositories/alert-row-id.ts';
import { AlertRows } from '../../repositories/alert-rows.ts';
import type { Incidents } from '../../repositories/history/incidents.ts';
import type { OwnSchemaState } from '../../repositories/history/own-schema.ts';
import { AlertAnswerStore } from '../../repositories/redis/alerts/alert-answer-store.ts';
import { AlertCards } from '../../repositories/redis/alerts/alert-cards.ts';
import { AlertStateStore } from '../../repositories/redis/alerts/alert-state-store.ts';
import { SecondWayStore } from '../../repositories/redis/alerts/second-way-store.ts';
import type { Foundation } from '../foundation.ts';
import type { AlertHistory } from '../history/alert-notes.ts';
import { SCRAPE_LIMIT_MS } from '../monitoring/gauges.ts';
import { AdminAlerts } from './admin-alerts.ts';
import { AlertAnswers } from './alert-answers.ts';
import { AlertLadder } from './alert-ladder.ts';
import { AlertRecipients } from './alert-recipients.ts';
import { AlertStates } from './alert-states.ts';
import { alertTextIn } from './alert-text.ts';
import { DirectAlerts } from './direct-alerts.ts';
import { HandedInAlerts } from './handed-in-alerts.ts';
import { SecondWay } from './second-way.ts';
import { StaffCards } from './staff-cards.ts';
import { StaffSender } from './staff-sender.ts';
import { ToldAlerts } from './told-alerts.ts';

/** The history of alerts, where our own schema is installed. */
type AlertsKept = { incidentNotes: AlertHistory; incidents: Incidents; historyState(): Promise<OwnSchemaState> };

type AlertSettings = Pick<
  Config,
  | 'ALERT_EMAILS'
  | 'ALERT_ESCALATE_MINUTES'
  | 'ALERT_WEBHOOK_FORMAT'
  | 'ALERT_WEBHOOK_SECRET'
  | 'ALERT_WEBHOOK_URL'
  | 'ON_CALL'
>;

const WEBHOOK_LIMIT_MS = seconds(10);

/** Builds what tells the admins, what remembers which alerts are on, what people answer to them, and what follows where nobody does. */
export function composeAlerts(
  foundation: Foundation,
  { historyState: look, incidentNotes: history, incidents: kept }: AlertsKept,
  mailer: Mailer,
  config: AlertSettings,
) {
  const {
    calls,
    clock: shared,
    database,
    engine,
    log,
    metrics,
    redis,
    sender: shop,
    services,
    staffBot,
    unreadable,
  } = foundation;
  const { events, notifications, settings } = services;
  const locale = settings.DEFAULT_LOCALE;
  const clock = (): Date => shared.now();
  const recipients = new AlertRecipients({
    adminIds: settings.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId),
    onCall: config.ON_CALL,
    quietHours: settings.QUIET_HOURS,
    timeZone: settings.TIME_ZONE,
  });
  const secondWay = new SecondWay({
    ...{ clock, locale, log, mailer },
    store: new SecondWayStore(redis, unreadable.onStored),
    emails: config.ALERT_EMAILS,
    webhook: webhookOf(config, calls),
    url: settings.PUBLIC_URL && `${settings.PUBLIC_URL}/alerts`,
  });
  const textOf = alertTextIn(locale, settings.PUBLIC_URL);
  const once = new AlertStateStore(redis, unreadable.onStored, 'once');
  const alertCards = new AlertCards(redis, unreadable.onStored);
  const staffCards = new StaffCards({ ...{ cards: alertCards, locale, log }, publicUrl: settings.PUBLIC_URL });
  const staffSender = new StaffSender({ ...{ log, shop }, cards: staffCards, staff: staffBot?.sender });
  const rows = new AlertRows(database);
  const toldAlerts = new ToldAlerts({ log, recipients, rows });
  const alerts = new AdminAlerts({
    ...{ clock, history, locale, log, notifications, once, recipients, rows, textOf },
    direct: new DirectAlerts({
      ...{ log, sender: staffSender },
      tellOtherwise: (text) => secondWay.tellNow(text),
      toldAnotherWay: (id) => rows.toldAnotherWay([sameBeginning(id)]),
    }),
    facts: staffBot && alertCards,
    signalDelivery: engine.signalDelivery,
  });
  const store = new AlertStateStore(redis, unreadable.onStored);
  const answers = new AlertAnswers({
    ...{ clock, events, history, kept, log, look, once, secondWay, store, toldAlerts },
    answers: new AlertAnswerStore(redis, unreadable.onStored),
  });
  const alertStates = new AlertStates({
    ...{ alerts, answers, events, history, locale, log, recipients, secondWay, store, textOf, toldAlerts },
  });
  const alertLadder = new AlertLadder({
    ...{ alerts, answers, locale, log, recipients, secondWay, toldAlerts },
    stores: { lasting: store, once },
    stepMs: minutes(config.ALERT_ESCALATE_MINUTES),
  });
  const counted = async () => {
    const now = clock();
    return await answers.answered([...(await store.all(now)), ...(await once.all(now))], now);
  };
  metrics.beforeScrape(async () =>
    metrics.alertStates(await within(SCRAPE_LIMIT_MS, counted()).catch(() => undefined)),
  );
  const handedInAlerts = new HandedInAlerts(alertStates, locale, unreadable.onRead);
  unreadable.tellThrough(alertStates);
  return {
    services: { alerts, alertLadder },
    ...{ alertAnswers: answers, alertCards, alertStates, handedInAlerts, staffCards, staffSender, toldAlerts },
  };
}

function webhookOf(config: AlertSettings, observer: Foundation['calls']): AlertWebhook | undefined {
  const { ALERT_WEBHOOK_FORMAT: format, ALERT_WEBHOOK_SECRET: secret, ALERT_WEBHOOK_URL: url } = config;
  if (url === undefined) return undefined;
  const policy = new ClientPolicy({ service: 'alert_webhook', observer, timeLimitMs: WEBHOOK_LIMIT_MS });
  return new AlertWebhook({ url, secret, format, policy });
}

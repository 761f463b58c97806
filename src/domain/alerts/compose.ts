import { AlertRows } from '../../repositories/alert-rows.ts';
import type { Incidents } from '../../repositories/history/incidents.ts';
import type { OwnSchemaState } from '../../repositories/history/own-schema.ts';
import { AlertAnswerStore } from '../../repositories/redis/alerts/alert-answer-store.ts';
import { AlertCards } from '../../repositories/redis/alerts/alert-cards.ts';
import { AlertStateStore } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Foundation } from '../foundation.ts';
import type { AlertHistory } from '../history/alert-notes.ts';
import { AdminAlerts } from './admin-alerts.ts';
import { AlertAnswers } from './alert-answers.ts';
import { AlertStates } from './alert-states.ts';
import { StaffCards } from './staff-cards.ts';
import { StaffSender } from './staff-sender.ts';

/** The history of alerts, where our own schema is installed. */
type AlertsKept = { incidentNotes: AlertHistory; incidents: Incidents; historyState(): Promise<OwnSchemaState> };

/** Builds what tells the admins, what remembers which alerts are on, and what people answer to them. */
export function composeAlerts(
  { clock, database, engine, log, redis, sender: shop, services, staffBot, unreadable }: Foundation,
  { historyState: look, incidentNotes: history, incidents: kept }: AlertsKept,
) {
  const { events, notifications, settings } = services;
  const alertCards = new AlertCards(redis, unreadable.onStored);
  const staffCards = new StaffCards({
    ...{ cards: alertCards, log },
    locale: settings.DEFAULT_LOCALE,
    publicUrl: settings.PUBLIC_URL,
  });
  const staffSender = new StaffSender({ ...{ log, shop }, cards: staffCards, staff: staffBot?.sender });
  const alerts = new AdminAlerts({
    ...{ history, log, notifications },
    sender: staffSender,
    facts: staffBot && alertCards,
    rows: new AlertRows(database),
    adminIds: settings.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId),
    locale: settings.DEFAULT_LOCALE,
    signalDelivery: engine.signalDelivery,
  });
  const store = new AlertStateStore(redis, unreadable.onStored);
  const alertAnswers = new AlertAnswers({
    ...{ alerts, events, history, kept, log, look, store },
    answers: new AlertAnswerStore(redis, unreadable.onStored),
    clock: () => clock.now(),
  });
  const alertStates = new AlertStates({
    ...{ alerts, events, history, log, store },
    answers: alertAnswers,
    locale: settings.DEFAULT_LOCALE,
  });
  unreadable.tellThrough(alertStates);
  return { services: { alerts }, alertAnswers, alertCards, alertStates, staffCards, staffSender };
}

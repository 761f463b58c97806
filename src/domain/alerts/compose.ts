import { AlertRows } from '../../repositories/alert-rows.ts';
import { AlertStateStore } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Foundation } from '../foundation.ts';
import type { AlertHistory } from '../history/alert-notes.ts';
import { AdminAlerts } from './admin-alerts.ts';
import { AlertStates } from './alert-states.ts';

/** Builds what tells the admins, and what remembers which alerts are on. */
export function composeAlerts(
  { database, engine, log, redis, sender, services, unreadable }: Foundation,
  history: AlertHistory,
) {
  const { events, notifications, settings } = services;
  const alerts = new AdminAlerts({
    ...{ history, log, notifications, sender },
    rows: new AlertRows(database),
    adminIds: settings.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId),
    locale: settings.DEFAULT_LOCALE,
    signalDelivery: engine.signalDelivery,
  });
  const store = new AlertStateStore(redis, unreadable.onStored);
  const alertStates = new AlertStates({ store, alerts, events, history, locale: settings.DEFAULT_LOCALE, log });
  unreadable.tellThrough(alertStates);
  return { services: { alerts }, alertStates };
}

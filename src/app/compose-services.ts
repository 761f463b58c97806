import { type Config, settingsOf } from '../config.ts';
import { composeAlerts } from '../domain/alerts/compose.ts';
import { composeBrakes } from '../domain/brakes/compose.ts';
import { composeBulk } from '../domain/bulk/compose.ts';
import { composeCleanup } from '../domain/cleanup/compose.ts';
import { composeEmail } from '../domain/email/compose.ts';
import { composeExports, composeStorage } from '../domain/exports/compose.ts';
import { composeFigures } from '../domain/figures/compose.ts';
import { type FoundationOptions, layFoundation } from '../domain/foundation.ts';
import { composeHistory, type HistoryOptions } from '../domain/history/compose.ts';
import { composeMonitoring } from '../domain/monitoring/compose.ts';
import { composeNotifications } from '../domain/notifications/compose.ts';
import { composePayments } from '../domain/payments/compose.ts';
import { composeSubscriptions } from '../domain/subscriptions/compose.ts';
import { composeTakeover } from '../domain/takeover/compose.ts';
import type { DepthReaders } from '../repositories/redis/monitoring/queue-snapshots.ts';
import type { Services } from '../services.ts';
import reminding from '../tasks/subscriptions/check-expiring-subscriptions.ts';
import disabling from '../tasks/subscriptions/disable-expired-users.ts';

export type ServicesOptions = Omit<FoundationOptions, 'neighbours' | 'settings'> & {
  config: Config;
  /** Counts waiting work at the moment of the call. */
  depths: DepthReaders;
  disabledTasks: ReadonlySet<string>;
  history: Omit<HistoryOptions, 'keptDays'>;
};

/**
 * Builds the foundation, then each capability on it and on those before it. Tasks may need `services`; only roles and doors use the other
 * parts. Nothing connects or waits.
 */
export function composeServices({ config, depths, disabledTasks, history, ...options }: ServicesOptions) {
  const foundation = layFoundation({ ...options, neighbours: config, settings: settingsOf(config) });
  const kept = composeHistory(foundation, { ...history, keptDays: config.HISTORY_DAYS });
  const { services: alerting, staffSender, ...alertParts } = composeAlerts(foundation, kept);
  const { alertStates } = alertParts;
  const stored = composeStorage(foundation, config);
  const brakes = composeBrakes(foundation, alerting.alerts, stored.services.plannedLists);
  const { deskParts, paymentTruth, ...payments } = composePayments(foundation, alerting.alerts, config);
  const { brake } = brakes.services;
  const { customerPicture } = payments.services;
  const { contacts, explain, people, truth, ...subscriptions } = composeSubscriptions(
    foundation,
    { alerts: alerting.alerts, brake },
    customerPicture,
    { tasks: { reminding, disabling }, tasksOff: disabledTasks },
  );
  const { deliveryCounts, ...sending } = composeNotifications(
    foundation,
    staffSender,
    async (row, now, signal) =>
      (await alerting.alerts.isOver(row)) ||
      (await truth.isObsolete(row, now, signal)) ||
      (await paymentTruth.isObsolete(row, now, signal)),
  );
  const { serviceHealth, ...monitoring } = composeMonitoring(
    foundation,
    {
      ...{ alerts: alerting.alerts, states: alertStates },
      ...{ history: kept.incidentNotes, maintenance: kept.maintenanceWindows },
    },
    depths,
  );
  const { memoryReports, scheduleWatch, workerTimes, ...figures } = composeFigures(
    foundation,
    { alertStates, staffSender },
    {
      deliveryCounts,
      pausedSchedules: kept.pausedSchedules,
      ...monitoring.services,
      ...payments.services,
    },
  );
  const bulk = composeBulk(
    foundation,
    { contacts, people, ...subscriptions.services, historyState: kept.historyState },
    config,
  );
  const { bulkNotices: notices, bulkProgress: progress } = bulk.services;
  const { exportDownloads, ...exporting } = composeExports(foundation, stored, { notices, progress }, config);
  const { takeover } = composeTakeover(foundation, {
    ...{ alertStates, serviceHealth },
    ...monitoring.services,
    ...figures.services,
  });
  const services: Services = {
    ...foundation.services,
    ...alerting,
    ...brakes.services,
    ...bulk.services,
    ...composeCleanup(foundation).services,
    ...composeEmail(foundation, config).services,
    ...exporting.services,
    ...stored.services,
    ...figures.services,
    ...monitoring.services,
    ...payments.services,
    ...sending.services,
    ...subscriptions.services,
  };
  return {
    services,
    ...kept,
    ...alertParts,
    deliveryCounts,
    deskParts,
    explain,
    exportDownloads,
    foundation,
    memoryReports,
    scheduleWatch,
    workerTimes,
    serviceHealth,
    takeover,
  };
}

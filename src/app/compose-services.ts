import { type Config, settingsOf } from '../config.ts';
import { composeAlerts } from '../domain/alerts/compose.ts';
import { composeBrakes } from '../domain/brakes/compose.ts';
import { composeBulk } from '../domain/bulk/compose.ts';
import { composeCampaigns } from '../domain/campaigns/compose.ts';
import { composeCleanup } from '../domain/cleanup/compose.ts';
import { composeEmail, composeMailer } from '../domain/email/compose.ts';
import { composeExports, composeStorage } from '../domain/exports/compose.ts';
import { composeFigures } from '../domain/figures/compose.ts';
import { type FoundationOptions, layFoundation } from '../domain/foundation.ts';
import { composeHistory, type HistoryOptions } from '../domain/history/compose.ts';
import { composeReceipts } from '../domain/history/compose-receipts.ts';
import { composeMonitoring } from '../domain/monitoring/compose.ts';
import { composeNotifications } from '../domain/notifications/compose.ts';
import { composePayments } from '../domain/payments/compose.ts';
import { composePeople, composeSubscriptions } from '../domain/subscriptions/compose.ts';
import { composeTakeover } from '../domain/takeover/compose.ts';
import { composeTexts } from '../domain/texts/compose.ts';
import type { DepthReaders } from '../repositories/redis/monitoring/queue-snapshots.ts';
import type { Services } from '../services.ts';

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
  const keptDays = config.HISTORY_DAYS;
  const kept = composeHistory(foundation, { ...history, keptDays });
  const { historyState } = kept;
  const { keptReceipts, services: receipting } = composeReceipts(foundation, { ...history, historyState, keptDays });
  const mailer = composeMailer(foundation, config);
  const {
    services: alerting,
    staffSender,
    toldAlerts,
    ...alertParts
  } = composeAlerts(foundation, kept, mailer, config);
  const { alertStates } = alertParts;
  const { services: texting } = composeTexts(
    foundation,
    { ...alerting, historyDatabase: history.historyDatabase },
    config,
  );
  const { customerTexts: texts } = texting;
  const stored = composeStorage(foundation, config);
  const brakes = composeBrakes(foundation, alerting.alerts, stored.services.plannedLists);
  const { deskParts, paymentTruth, ...payments } = composePayments(foundation, { ...alerting, ...texting }, config);
  const { brake } = brakes.services;
  const { customerPicture } = payments.services;
  const people = composePeople(foundation);
  const { builtInShare, campaignIncomes, campaignTruth, campaignWeeks, ...campaigns } = composeCampaigns(foundation, {
    ...{ ...people, historyState: kept.historyState, picture: customerPicture },
  });
  const { explain, truth, ...subscriptions } = composeSubscriptions(
    foundation,
    { alerts: alerting.alerts, brake, builtInShare, texts, ...people },
    customerPicture,
    { tasks: sweeps, tasksOff: disabledTasks },
  );
  const { broadcastKeeping, deliveryCounts, ...sending } = composeNotifications(foundation, {
    ...{ staff: staffSender, texts },
    standing: async (row, now, signal) => {
      const isObsolete =
        (await toldAlerts.isOver(row)) ||
        (await truth.isObsolete(row, now, signal)) ||
        (await paymentTruth.isObsolete(row, now, signal));
      return isObsolete ? 'obsolete' : await campaignTruth.standing(row, now, signal);
    },
  });
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
      campaignWeeks,
      ...monitoring.services,
      ...payments.services,
    },
  );
  const { broadcastParts, ...bulk } = composeBulk(
    foundation,
    { broadcastKeeping, ...people, ...subscriptions.services, customerPicture, historyState, keptReceipts },
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
    ...campaigns.services,
    ...composeCleanup(foundation).services,
    ...composeEmail(foundation, mailer).services,
    ...exporting.services,
    ...stored.services,
    ...figures.services,
    ...monitoring.services,
    ...payments.services,
    ...receipting,
    ...sending.services,
    ...subscriptions.services,
    ...texting,
  };
  return {
    services,
    ...kept,
    ...alertParts,
    campaignIncomes,
    broadcastParts,
    deliveryCounts,
    deskParts,
    explain,
    exportDownloads,
    foundation,
    keptReceipts,
    memoryReports,
    scheduleWatch,
    workerTimes,
    serviceHealth,
    takeover,
  };
}

/** The tasks that decide over customers: a process that runs no jobs has their code only when it is asked about one. */
async function sweeps() {
  const [{ default: reminding }, { default: disabling }] = await Promise.all([
    import('../tasks/subscriptions/check-expiring-subscriptions.ts'),
    import('../tasks/subscriptions/disable-expired-users.ts'),
  ]);
  return { reminding, disabling };
}

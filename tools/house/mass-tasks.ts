import type { Services } from '../../src/services.ts';

/** What one call of a service may change: many subjects that the caller has selected, one, or nothing that anybody would list. */
type Reach = 'many' | 'one' | 'none';

/** Judged for every service there is: a new one does not compile here until somebody has thought about it. */
const REACHES: Readonly<Record<keyof Services, Reach>> = {
  agedRows: 'many',
  brake: 'many',
  broadcastComposer: 'many',
  broadcastDeletion: 'many',
  broadcasts: 'many',
  bulkUsers: 'many',
  campaignSends: 'many',
  expiredUsers: 'many',
  jobActs: 'many',
  monthlyResets: 'many',
  renewal: 'many',
  staleKeys: 'many',
  storages: 'many',
  subscriptionNotices: 'many',
  undoActs: 'many',
  unusedRenewals: 'many',

  backlog: 'one',
  customerLooks: 'one',
  customerTexts: 'one',
  dataExports: 'one',
  delivery: 'one',
  entitlements: 'one',
  notifications: 'one',
  payments: 'one',
  webhookLogs: 'one',
  codeEmails: 'one',
  geolocations: 'one',
  nodeWatch: 'one',
  panel: 'one',

  alertLadder: 'none',
  alerts: 'none',
  anomalies: 'none',
  auditLogs: 'none',
  backendKeys: 'none',
  broadcastDeliveries: 'none',
  broadcastsArePossible: 'none',
  bandwidth: 'none',
  bulkNotices: 'none',
  bulkProgress: 'none',
  campaignPlanner: 'none',
  campaigns: 'none',
  campaignsArePossible: 'none',
  calendar: 'none',
  cleanupPause: 'none',
  customerPicture: 'none',
  dayBook: 'none',
  decisions: 'none',
  depths: 'none',
  events: 'none',
  flags: 'none',
  hourlyBandwidth: 'none',
  lostContacts: 'none',
  nodeHealth: 'none',
  panelCache: 'none',
  pictureLoans: 'none',
  panelVersionWatch: 'none',
  paymentFigures: 'none',
  paymentStats: 'none',
  plannedBroadcasts: 'none',
  plannedLists: 'none',
  progress: 'none',
  queueSnapshots: 'none',
  realtime: 'none',
  receipts: 'none',
  reportDelivery: 'none',
  reports: 'none',
  seenNodes: 'none',
  serviceWatch: 'none',
  settings: 'none',
  storage: 'none',
};

/** Tasks that need such a service and act on one thing with it, each with the reason. */
const NO_MASS: Readonly<Record<string, string>> = {
  control_bulk_broadcast: 'it controls one broadcast, by its id, and the answer to a pause is a resume',
  test_broadcast: 'it writes to the one chat that is named, and the composer only says what a customer would read',
};

type NamedTask = { readonly name: string; readonly needs: readonly string[]; readonly mass?: unknown };

/** Tasks that act on many and do not say so by their type, with the services that show it. */
export function unsaidMassTasks(tasks: readonly NamedTask[]): string[] {
  return tasks.flatMap(({ mass, name, needs }) => {
    const reaching = needs.filter((need) => REACHES[need as keyof Services] === 'many');
    if (mass || reaching.length === 0 || name in NO_MASS) return [];
    return `${name} needs ${reaching.join(', ')}: define it with defineMassTask, so that it has a plan and a dry run`;
  });
}

/** Exceptions that no task needs any more. */
export const idleExceptions = (tasks: readonly NamedTask[]): string[] =>
  Object.keys(NO_MASS).filter((name) => !tasks.some((task) => task.name === name && !task.mass));

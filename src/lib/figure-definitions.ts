/*
 * What each figure counts, once for the page, the API, the reports, the alerts and the metrics. `docs/figures.md` says the same in
 * words; `src/tasks/reports/same-figures.db.test.ts` holds that all of them show the same number.
 */

/**
 * How a notification ends. `sent`: Telegram took it. `failed`: it should have arrived and did not, which is ours to mend. `unreachable`:
 * the person blocked the bot, is gone or never came, which is nobody's failure and no success. `withdrawn`: it was taken back on purpose.
 */
export type DeliveryEnd = 'sent' | 'failed' | 'unreachable' | 'withdrawn';
export type DeliveryTotals = Readonly<Record<DeliveryEnd, number>>;

const NO_DELIVERIES: DeliveryTotals = { sent: 0, failed: 0, unreachable: 0, withdrawn: 0 };

/** Statuses of a notification, as its metric and its row have them, that are neither a success nor a failure of ours. */
const ENDS: Readonly<Record<string, DeliveryEnd>> = {
  sent: 'sent',
  blocked: 'unreachable',
  deactivated: 'unreachable',
  kicked: 'unreachable',
  chat_not_found: 'unreachable',
  is_bot: 'unreachable',
  forbidden: 'unreachable',
  unreachable: 'unreachable',
  withdrawn: 'withdrawn',
  obsolete: 'withdrawn',
  dropped: 'withdrawn',
};

/** Undefined while it has not ended: it is tried again. A status that is not known is a failure until somebody says otherwise. */
export const deliveryEndOf = (status: string): DeliveryEnd | undefined =>
  status === 'retry' ? undefined : Object.hasOwn(ENDS, status) ? ENDS[status] : 'failed';

/** What became of messages, of how many were sent and why the others were not. */
export function deliveriesIn(sent: number, byReason: Readonly<Record<string, number>>): DeliveryTotals {
  const totals = { ...NO_DELIVERIES, sent };
  for (const [reason, n] of Object.entries(byReason)) totals[deliveryEndOf(reason) ?? 'failed'] += n;
  return totals;
}

/** Several totals added up. */
export function deliveryTotals(all: readonly DeliveryTotals[]): DeliveryTotals {
  const sum = (end: DeliveryEnd): number => all.reduce((total, one) => total + one[end], 0);
  return { sent: sum('sent'), failed: sum('failed'), unreachable: sum('unreachable'), withdrawn: sum('withdrawn') };
}

/** Of what could arrive, the share that did: those who cannot be reached and what was taken back count neither way. Null where nothing could. */
export const deliverySuccess = ({ failed, sent }: Pick<DeliveryTotals, 'sent' | 'failed'>): number | null =>
  sent + failed === 0 ? null : sent / (sent + failed);

/** Of jobs that ended, the share that failed. Null where none ended. */
export const failureShare = ({ failed, succeeded }: { succeeded: number; failed: number }): number | null =>
  succeeded + failed === 0 ? null : failed / (succeeded + failed);

/** Jobs out of retries and messages that could not be understood, as long as they are kept. */
export const deadLetterTotal = ({ jobs, messages }: { jobs: number; messages: number }): number => jobs + messages;

/** Jobs out of retries, over all queues. */
export const deadJobsIn = (queues: Readonly<Record<string, { failed: number }>>): number =>
  Object.values(queues).reduce((sum, { failed }) => sum + failed, 0);

/** Promises of the product. Beyond them somebody should look. */
export const NORMAL = {
  /** Of deliveries that could arrive: the alert `DeliveriesFail` has the same limit. */
  deliverySuccess: 0.98,
  /** Of jobs that ended, over a week. */
  taskFailures: 0.005,
  paymentFailures: 0.1,
  /** Of people written to. */
  unreachable: 0.05,
  /** Fewer samples prove nothing. */
  least: 20,
} as const;

/** Deliveries fail more than they may, and there were enough to tell. */
export function deliveriesFail(totals: Pick<DeliveryTotals, 'sent' | 'failed'>): boolean {
  const success = deliverySuccess(totals);
  return totals.sent + totals.failed >= NORMAL.least && success !== null && success < NORMAL.deliverySuccess;
}

/** The days whose completed payments the payments desk sums up. */
export const MONEY_DAYS = 30;

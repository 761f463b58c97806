const s = (...seconds: number[]): readonly number[] => seconds.map((n) => n * 1000);

/**
 * The values of the label `retry_policy` of a TaskIQ message, with delays in milliseconds. The names are those of the Python worker; the
 * delays are those of this service's own tasks for the same work.
 */
export const NAMED_RETRY_DELAYS: Readonly<Record<string, readonly number[]>> = {
  notifications: s(30, 60, 300, 900, 3600),
  notifications_on_demand: s(10, 30, 90),
  payments_webhook: s(30, 120, 600),
  email_delivery: s(30, 120, 600),
  subscriptions: s(60, 60, 60),
  payments: s(30, 120, 600),
  monitoring: s(15, 15),
  analytics: s(0),
  cleanup: s(300, 300),
  sync: s(120, 120, 120),
  reports: s(600, 600),
  bulk: [],
};

import { dashboard } from './dashboard.ts';
import { lines, number } from './panels.ts';

const PAYMENT_TASKS =
  'verify_pending_payments|process_payment_completion|retry_failed_webhooks|auto_renew_subscriptions';

/** From a paid invoice to an active subscription. */
export const payments = dashboard({
  uid: 'cybervpn-tw-payments',
  title: 'payments',
  description: 'From a paid invoice to an active subscription.',
  rows: [
    {
      title: 'Now',
      panels: [
        number({
          title: 'Paid to active, p95 of a day',
          description: 'Promised: under ten minutes.',
          expr: 'histogram_quantile(0.95, sum by (le) (increase(cybervpn_payment_delay_seconds_bucket[1d])))',
          unit: 's',
          limits: { bad: 600 },
        }),
        number({
          title: 'Last look for payments',
          description: 'Since verify_pending_payments last succeeded.',
          expr: 'time() - max(cybervpn_schedule_last_success_timestamp_seconds{task_name="verify_pending_payments"})',
          unit: 's',
          limits: { warn: 330, bad: 600 },
        }),
        number({
          title: 'Completed, a day',
          description: 'Payments that became active subscriptions.',
          expr: 'sum(increase(cybervpn_payments_verified_total{status="completed"}[1d]))',
        }),
        number({
          title: 'Need a decision, a day',
          description:
            'Money came, and what for is not clear: wrong amount, nobody to give it to, or a payment that was over.',
          expr: 'sum(increase(cybervpn_payments_verified_total{status=~"mismatched|unresolved|in_vain|asked"}[1d]))',
          limits: { bad: 1 },
        }),
      ],
    },
    {
      title: 'Course',
      panels: [
        lines({
          title: 'Looked at, an hour',
          description: 'By the state of the invoice, or what the completion came to.',
          stacked: true,
          queries: [{ expr: 'sum by (status) (increase(cybervpn_payments_verified_total[1h]))', legend: '{{status}}' }],
        }),
        lines({
          title: 'Payment tasks, attempts an hour',
          description: 'By task and outcome.',
          queries: [
            {
              expr: `sum by (task_name, status) (increase(taskiq_task_total{task_name=~"${PAYMENT_TASKS}"}[1h]))`,
              legend: '{{task_name}} {{status}}',
            },
          ],
        }),
        lines({
          title: 'Crypto Pay, calls a minute by status',
          description: 'And the backend, where payments are completed through it.',
          unit: 'suffix:/min',
          queries: [
            {
              expr: '60 * sum by (service, status) (rate(cybervpn_external_requests_total{service=~"cryptobot|backend"}[$__rate_interval]))',
              legend: '{{service}} {{status}}',
            },
          ],
        }),
        lines({
          title: 'Messages about payments, an hour',
          description: 'Received, failed, renewal.',
          queries: [
            {
              expr: 'sum by (type, status) (increase(cybervpn_notifications_total{type=~"payment.*"}[1h]))',
              legend: '{{type}} {{status}}',
            },
          ],
        }),
      ],
    },
  ],
});

import { dashboard } from './dashboard.ts';
import { lines } from './panels.ts';

/** From a row in notification_queue to an answer of Telegram. */
export const notifications = dashboard({
  uid: 'cybervpn-tw-notifications',
  title: 'notifications',
  description: 'From a row in notification_queue to the answer of Telegram.',
  choices: [{ name: 'type', label: 'Type', values: 'label_values(cybervpn_notifications_total, type)' }],
  rows: [
    {
      title: 'Delivery',
      panels: [
        lines({
          title: 'Messages a minute, by what became of them',
          description: 'Sent, tried again, given up, or why there will be none.',
          unit: 'suffix:/min',
          stacked: true,
          queries: [
            {
              expr: '60 * sum by (status) (rate(cybervpn_notifications_total{type=~"$type"}[$__rate_interval]))',
              legend: '{{status}}',
            },
          ],
        }),
        lines({
          title: 'Sent a minute, by type',
          description: 'Payments, security and alerts leave before reminders, and those before broadcasts.',
          unit: 'suffix:/min',
          stacked: true,
          queries: [
            {
              expr: '60 * sum by (type) (rate(cybervpn_notifications_total{status="sent", type=~"$type"}[$__rate_interval]))',
              legend: '{{type}}',
            },
          ],
        }),
        lines({
          title: 'From due to sent, p95 by type',
          description: 'Promised: under 60 s. A broadcast takes as long as 30 messages a second allow.',
          unit: 's',
          limits: { bad: 60 },
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, type) (rate(cybervpn_notification_delay_seconds_bucket{type=~"$type"}[$__rate_interval])))',
              legend: '{{type}}',
            },
          ],
        }),
        lines({
          title: 'Rows that wait',
          description: 'Due now, and due later. A backlog that is held for a decision counts as due.',
          queries: [
            {
              expr: 'max by (state) (cybervpn_queue_jobs{queue="notification_queue", state=~"waiting|delayed"})',
              legend: '{{state}}',
            },
          ],
        }),
        lines({
          title: 'Deliveries that succeed, 1 h',
          description: 'Of those that can. Promised: over 98 %.',
          unit: 'percentunit',
          queries: [{ expr: 'cybervpn:deliveries:success_ratio1h', legend: 'succeed' }],
        }),
        lines({
          title: 'Refused for good, an hour',
          description: 'Bot blocked, chat not found, no longer true: nobody can help these.',
          queries: [
            {
              expr: 'sum by (status) (increase(cybervpn_notifications_total{status!~"sent|retry|failed", type=~"$type"}[1h]))',
              legend: '{{status}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Telegram',
      panels: [
        lines({
          title: 'Calls a second, by status',
          description: 'At most 30 messages a second over all workers. 429: somebody else sends with this token.',
          unit: 'suffix:/s',
          stacked: true,
          queries: [
            {
              expr: 'sum by (status) (rate(cybervpn_external_requests_total{service="telegram"}[$__rate_interval]))',
              legend: '{{status}}',
            },
          ],
        }),
        lines({
          title: 'Wait for a turn, p95',
          description: 'How long a message waited for its place under the global limit, by lane.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, limit) (rate(cybervpn_rate_limit_wait_seconds_bucket{limit=~"telegram_.*"}[$__rate_interval])))',
              legend: '{{limit}}',
            },
          ],
        }),
      ],
    },
  ],
});

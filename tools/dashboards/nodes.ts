import { dashboard } from './dashboard.ts';
import { lines, number } from './panels.ts';

/** The VPN nodes of the panel, and the state of their monitoring. */
export const nodes = dashboard({
  uid: 'cybervpn-tw-nodes',
  title: 'nodes',
  description: 'The VPN nodes as the panel has them, and how well they are watched.',
  rows: [
    {
      title: 'Now',
      panels: [
        ...(['online', 'offline', 'warning', 'maintenance'] as const).map((status) =>
          number({
            title: `Nodes: ${status}`,
            description: {
              online: 'Connected to the panel.',
              offline: 'Not connected, not connecting, not switched off.',
              warning: 'Connecting.',
              maintenance: 'Switched off in the panel.',
            }[status],
            expr: `cybervpn:nodes:by_status{status="${status}"}`,
            ...(status === 'offline' && { limits: { bad: 1 } }),
          }),
        ),
        number({
          title: 'Last look',
          description:
            'Since check_server_health last succeeded. Promised: a node that goes down is noticed within three minutes.',
          expr: 'time() - max(cybervpn_schedule_last_success_timestamp_seconds{task_name="check_server_health"})',
          unit: 's',
          limits: { warn: 150, bad: 180 },
        }),
        number({
          title: 'Noticed after, p95 of a day',
          description: 'From the moment a node went down, as the panel has it, to the alert.',
          expr: 'histogram_quantile(0.95, sum by (le) (increase(cybervpn_node_notice_delay_seconds_bucket[1d])))',
          unit: 's',
          limits: { bad: 180 },
        }),
      ],
    },
    {
      title: 'Course',
      panels: [
        lines({
          title: 'Nodes by state',
          description: 'Unknown while the panel does not answer: then nothing is drawn.',
          stacked: true,
          queries: [{ expr: 'cybervpn:nodes:by_status', legend: '{{status}}' }],
        }),
        lines({
          title: 'Not online',
          description: 'Which nodes; the console has their names.',
          queries: [
            {
              expr: 'max by (node_uuid, status) (cybervpn_server_health{status=~"offline|warning"}) > 0',
              legend: '{{node_uuid}} {{status}}',
            },
          ],
        }),
        lines({
          title: 'Checks of nodes, p95',
          description: 'How long a look at all nodes takes.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(taskiq_task_duration_seconds_bucket{task_name="check_server_health"}[$__rate_interval])))',
              legend: 'check_server_health',
            },
          ],
        }),
        lines({
          title: 'Seen by the checks, an hour',
          description: 'Nodes looked at, changes of state, alerts that began and ended.',
          queries: [
            {
              expr: 'sum by (item) (increase(cybervpn_task_items_total{task_name="check_server_health"}[1h]))',
              legend: '{{item}}',
            },
          ],
        }),
      ],
    },
  ],
});

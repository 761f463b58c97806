import { dashboard } from './dashboard.ts';
import { lines, number } from './panels.ts';

/** Shows at a glance whether all promises are kept. */
export const overview = dashboard({
  uid: 'cybervpn-tw-overview',
  title: 'overview',
  description:
    'Whether every promise is kept. Red is where the alert of the same name is; docs/operations.md says what to do.',
  rows: [
    {
      title: 'Promises',
      panels: [
        number({
          title: 'Workers up',
          description: 'Replicas that answered the last scrape.',
          expr: 'cybervpn:workers:up',
          badBelow: 1,
        }),
        number({
          title: 'Alerts now',
          description: 'Alerts of Prometheus that fire, whatever their severity.',
          expr: 'count(ALERTS{alertstate="firing", service="cybervpn-worker"}) or vector(0)',
          limits: { bad: 1 },
        }),
        number({
          title: 'Failed jobs, 1 h',
          description: 'Share of the jobs that ended for good and failed. Promised: under 0.5 %.',
          expr: 'cybervpn:task_errors:ratio1h',
          unit: 'percentunit',
          limits: { bad: 0.005 },
        }),
        number({
          title: 'Delivery p95',
          description: 'From due to sent, broadcasts not counted. Promised: under 60 s.',
          expr: 'cybervpn:notification_delay_seconds:p95_10m',
          unit: 's',
          limits: { warn: 35, bad: 60 },
        }),
        number({
          title: 'Deliveries that succeed, 1 h',
          description: 'Of those that can; who blocked the bot is not counted. Promised: over 98 %.',
          expr: 'cybervpn:deliveries:success_ratio1h',
          unit: 'percentunit',
          badBelow: 0.98,
        }),
        number({
          title: 'Waiting, all queues',
          description: 'Jobs, due messages, stream entries. Promised: under 1000 in steady state.',
          expr: 'cybervpn:queue_depth:total',
          limits: { warn: 500, bad: 1000 },
        }),
        number({
          title: 'Stuck runs',
          description: 'Promised: none for more than five minutes.',
          expr: 'sum(cybervpn_tasks_stuck)',
          limits: { bad: 1 },
        }),
        number({
          title: 'Overdue schedules',
          description: 'Scheduled tasks without a success for twice their period.',
          expr: 'sum(max by (task_name) (cybervpn_schedule_overdue))',
          limits: { bad: 1 },
        }),
        number({
          title: 'Dead letters',
          description: 'Jobs out of retries and messages that could not be understood, kept for a replay.',
          expr: 'sum(max by (kind) (cybervpn_dead_letters))',
          limits: { warn: 1, bad: 100 },
        }),
        number({
          title: 'Nodes offline',
          description: 'As the panel says. A node that goes down is told within three minutes.',
          expr: 'cybervpn:nodes:by_status{status="offline"}',
          limits: { bad: 1 },
        }),
        number({
          title: 'Last look for payments',
          description:
            'Since verify_pending_payments last succeeded. Promised: a paid invoice is noticed within ten minutes.',
          expr: 'time() - max(cybervpn_schedule_last_success_timestamp_seconds{task_name="verify_pending_payments"})',
          unit: 's',
          limits: { warn: 330, bad: 600 },
        }),
        number({
          title: 'Open breakers',
          description: 'Services that are not called because calls failed in a row.',
          expr: 'count(max by (service) (cybervpn_breaker_state) > 0) or vector(0)',
          limits: { bad: 1 },
        }),
      ],
    },
    {
      title: 'Work',
      panels: [
        lines({
          title: 'Attempts a minute, by outcome',
          description: 'Snoozed: goes on later, no attempt used. Handed back: the worker was shutting down.',
          unit: 'suffix:/min',
          stacked: true,
          queries: [{ expr: '60 * sum by (status) (rate(taskiq_task_total[$__rate_interval]))', legend: '{{status}}' }],
        }),
        lines({
          title: 'Waiting and active, by queue',
          description: 'notification_queue: due rows of the table. taskiq: the stream of Python producers.',
          stacked: true,
          limits: { bad: 1000 },
          queries: [{ expr: 'cybervpn:queue_depth:by_queue', legend: '{{queue}}' }],
        }),
      ],
    },
    {
      title: 'Workers',
      panels: [
        lines({
          title: 'Memory',
          description: 'All processes of a replica. Promised: under 512 MB.',
          unit: 'bytes',
          limits: { warn: 429496730, bad: 536870912 },
          queries: [
            {
              expr: 'sum by (job, instance) (process_resident_memory_bytes{job=~"cybervpn-(worker|scheduler)"})',
              legend: '{{job}} {{instance}}',
            },
          ],
        }),
        lines({
          title: 'Processor',
          description: 'Share of one core, all processes of a replica. Promised: under 30 % in normal work.',
          unit: 'percentunit',
          limits: { bad: 0.3 },
          queries: [
            {
              expr: 'sum by (job, instance) (rate(process_cpu_seconds_total{job=~"cybervpn-(worker|scheduler)"}[$__rate_interval]))',
              legend: '{{job}} {{instance}}',
            },
          ],
        }),
        lines({
          title: 'Event loop lag p99',
          description: 'How late a process gets to its work. Near 5 s locks of jobs run out.',
          unit: 's',
          limits: { bad: 1 },
          queries: [
            {
              expr: 'max by (job, instance) (nodejs_eventloop_lag_p99_seconds{job=~"cybervpn-(worker|scheduler)"})',
              legend: '{{job}} {{instance}}',
            },
          ],
        }),
        lines({
          title: 'Starts and deaths',
          description: 'Youngest process of each role, and worker processes that died and were started again.',
          queries: [
            {
              expr: 'sum by (job, role) (changes(cybervpn_worker_start_time_seconds[$__rate_interval]))',
              legend: '{{job}} {{role}} started',
            },
            {
              expr: 'sum by (reason) (increase(cybervpn_worker_process_deaths_total[$__rate_interval]))',
              legend: 'died: {{reason}}',
            },
          ],
        }),
      ],
    },
  ],
});

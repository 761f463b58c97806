import { dashboard } from './dashboard.ts';
import { lines } from './panels.ts';

/** The rate, duration, outcomes and delay of each task. */
export const tasks = dashboard({
  uid: 'cybervpn-tw-tasks',
  title: 'tasks',
  description: 'How often each task runs, how long it takes, how it ends, and what waits.',
  choices: [{ name: 'task', label: 'Task', values: 'label_values(taskiq_task_total, task_name)' }],
  rows: [
    {
      title: 'Runs',
      panels: [
        lines({
          title: 'Attempts a minute',
          description: 'By task, whatever their outcome.',
          unit: 'suffix:/min',
          stacked: true,
          queries: [
            {
              expr: '60 * sum by (task_name) (rate(taskiq_task_total{task_name=~"$task"}[$__rate_interval]))',
              legend: '{{task_name}}',
            },
          ],
        }),
        lines({
          title: 'Running now',
          description: 'Attempts in progress, over all replicas.',
          stacked: true,
          queries: [
            { expr: 'sum by (task_name) (taskiq_tasks_in_progress{task_name=~"$task"})', legend: '{{task_name}}' },
          ],
        }),
        lines({
          title: 'Duration p95',
          description: 'Wall-clock time of an attempt.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, task_name) (rate(taskiq_task_duration_seconds_bucket{task_name=~"$task"}[$__rate_interval])))',
              legend: '{{task_name}}',
            },
          ],
        }),
        lines({
          title: 'Oldest run',
          description: 'For how long the oldest attempt of those in progress has been running.',
          unit: 's',
          queries: [
            {
              expr: 'max by (task_name) (cybervpn_task_longest_run_seconds{task_name=~"$task"})',
              legend: '{{task_name}}',
            },
          ],
        }),
        lines({
          title: 'What they counted',
          description: 'Rows sent, users disabled, nodes checked … a minute; docs/tasks.md says what each means.',
          unit: 'suffix:/min',
          width: 24,
          queries: [
            {
              expr: '60 * sum by (task_name, item) (rate(cybervpn_task_items_total{task_name=~"$task"}[$__rate_interval]))',
              legend: '{{task_name}} {{item}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Failures',
      panels: [
        lines({
          title: 'Failed for good and retried, an hour',
          description: 'A retry that succeeds in the end is no failure.',
          queries: [
            {
              expr: 'sum by (task_name) (increase(taskiq_task_total{status="error", task_name=~"$task"}[1h]))',
              legend: '{{task_name}} failed',
            },
            {
              expr: 'sum by (task_name) (increase(taskiq_task_retries_total{task_name=~"$task"}[1h]))',
              legend: '{{task_name}} retried',
            },
          ],
        }),
        lines({
          title: 'Errors an hour, by code',
          description: 'One code in many tasks is a dependency; many codes in one task is that task.',
          queries: [
            {
              expr: 'sum by (task_name, error_type) (increase(taskiq_task_errors_total{task_name=~"$task"}[1h]))',
              legend: '{{task_name}} {{error_type}}',
            },
          ],
        }),
        lines({
          title: 'Share of failed jobs',
          description: 'Of all that ended for good. Promised: under 0.5 % of an hour.',
          unit: 'percentunit',
          limits: { warn: 0.005, bad: 0.05 },
          queries: [
            { expr: 'cybervpn:task_errors:ratio15m', legend: '15 minutes' },
            { expr: 'cybervpn:task_errors:ratio1h', legend: '1 hour' },
          ],
        }),
        lines({
          title: 'Dead letters and stuck runs',
          description: 'Kept for a replay; runs that go on for longer than they may.',
          queries: [
            { expr: 'max by (kind) (cybervpn_dead_letters)', legend: 'dead: {{kind}}' },
            { expr: 'sum(cybervpn_tasks_stuck)', legend: 'stuck' },
          ],
        }),
      ],
    },
    {
      title: 'Queues',
      panels: [
        lines({
          title: 'Start delay',
          description: 'From due to start, over all tasks.',
          unit: 's',
          limits: { bad: 30 },
          queries: [
            {
              expr: 'histogram_quantile(0.5, sum by (le) (rate(cybervpn_task_start_delay_seconds_bucket{task_name=~"$task"}[$__rate_interval])))',
              legend: 'median',
            },
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(cybervpn_task_start_delay_seconds_bucket{task_name=~"$task"}[$__rate_interval])))',
              legend: 'p95',
            },
          ],
        }),
        lines({
          title: 'Jobs by queue and state',
          description: 'Waiting, active, delayed until later, failed and kept.',
          queries: [{ expr: 'max by (queue, state) (cybervpn_queue_jobs)', legend: '{{queue}} {{state}}' }],
        }),
        lines({
          title: 'Done a minute, by queue',
          description: 'Attempts that ended.',
          unit: 'suffix:/min',
          queries: [{ expr: '60 * cybervpn:queue_tasks:rate5m', legend: '{{queue}}' }],
        }),
        lines({
          title: 'Since the last success of each schedule',
          description: 'The dead man switch fires after twice the period, at least five minutes.',
          unit: 's',
          queries: [
            {
              expr: 'time() - max by (task_name) (cybervpn_schedule_last_success_timestamp_seconds{task_name=~"$task"})',
              legend: '{{task_name}}',
            },
          ],
        }),
      ],
    },
  ],
});

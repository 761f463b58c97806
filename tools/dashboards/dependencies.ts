import { dashboard } from './dashboard.ts';
import { lines, number } from './panels.ts';

/** The services that the worker needs: panel, Telegram, Crypto Pay, mail, Redis, PostgreSQL, Python producers. */
export const dependencies = dashboard({
  uid: 'cybervpn-tw-dependencies',
  title: 'dependencies',
  description:
    'What the worker stands on: panel, Telegram, Crypto Pay, mail, Redis, and the stream of Python producers.',
  choices: [{ name: 'service', label: 'Service', values: 'label_values(cybervpn_external_requests_total, service)' }],
  rows: [
    {
      title: 'Outside services',
      panels: [
        lines({
          title: 'Calls a second, by status',
          description: 'Without an HTTP status: error, timeout, rejected by an open breaker.',
          unit: 'suffix:/s',
          stacked: true,
          queries: [
            {
              expr: 'sum by (service, status) (rate(cybervpn_external_requests_total{service=~"$service"}[$__rate_interval]))',
              legend: '{{service}} {{status}}',
            },
          ],
        }),
        lines({
          title: 'Share of errors',
          description: '5xx and calls without an answer; 4xx is an answer.',
          unit: 'percentunit',
          limits: { bad: 0.1 },
          queries: [{ expr: 'cybervpn:service_errors:ratio5m{service=~"$service"}', legend: '{{service}}' }],
        }),
        lines({
          title: 'Duration p95, by endpoint',
          description: 'Of calls that were made.',
          unit: 's',
          limits: { bad: 5 },
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, service, endpoint) (rate(cybervpn_external_request_duration_seconds_bucket{service=~"$service"}[$__rate_interval])))',
              legend: '{{service}} {{endpoint}}',
            },
          ],
        }),
        lines({
          title: 'Circuit breakers',
          description: '0 closed, 1 half open, 2 open; the worst of all processes.',
          limits: { bad: 2 },
          queries: [{ expr: 'max by (service) (cybervpn_breaker_state{service=~"$service"})', legend: '{{service}}' }],
        }),
        lines({
          title: 'Wait for a turn, p95',
          description: 'Under the limits that all workers share.',
          unit: 's',
          queries: [
            {
              expr: 'histogram_quantile(0.95, sum by (le, limit) (rate(cybervpn_rate_limit_wait_seconds_bucket[$__rate_interval])))',
              legend: '{{limit}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Redis',
      panels: [
        number({
          title: 'Memory used',
          description: 'Of maxmemory, where it has one.',
          expr: 'max(cybervpn_redis_memory_bytes{what="used"}) / max(cybervpn_redis_memory_bytes{what="max"})',
          unit: 'percentunit',
          limits: { warn: 0.8, bad: 0.95 },
        }),
        number({
          title: 'Refused for want of memory',
          description: 'Commands within a day. One is too many.',
          expr: 'max(increase(cybervpn_redis_oom_errors_total[1d]))',
          limits: { bad: 1 },
        }),
        number({
          title: 'Keys thrown away',
          description: 'Within a day. One is too many: the policy must be noeviction.',
          expr: 'max(increase(cybervpn_redis_evicted_keys_total[1d]))',
          limits: { bad: 1 },
        }),
        lines({
          title: 'Memory',
          description: 'Used, and the limit.',
          unit: 'bytes',
          queries: [{ expr: 'max by (what) (cybervpn_redis_memory_bytes)', legend: '{{what}}' }],
        }),
      ],
    },
    {
      title: 'Python producers',
      panels: [
        lines({
          title: 'Messages a minute',
          description: 'Accepted, forwarded, or why they went to the dead letters.',
          unit: 'suffix:/min',
          stacked: true,
          queries: [
            {
              expr: '60 * sum by (result) (rate(cybervpn_taskiq_messages_total[$__rate_interval]))',
              legend: '{{result}}',
            },
          ],
        }),
        lines({
          title: 'Entries behind',
          description: 'Not yet read, and read but not acknowledged.',
          limits: { bad: 1000 },
          queries: [{ expr: 'max by (what) (cybervpn_taskiq_lag{what=~"unread|pending"})', legend: '{{what}}' }],
        }),
        lines({
          title: 'Age of the oldest entry',
          description: 'That is not acknowledged.',
          unit: 's',
          limits: { bad: 300 },
          queries: [{ expr: 'max(cybervpn_taskiq_lag{what="oldest_pending_seconds"})', legend: 'oldest' }],
        }),
      ],
    },
  ],
});

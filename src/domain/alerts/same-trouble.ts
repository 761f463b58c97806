/** Labels of an alert of Prometheus. */
export type PrometheusLabels = Readonly<Record<string, string | undefined>>;

/**
 * The rules of Prometheus that see what the worker watches itself: which of its alerts each is about, by id; `*` stands for any subject.
 * `deploy/prometheus` has the rules, and a test holds this table against them.
 */
export const SAME_TROUBLE: Readonly<Record<string, (labels: PrometheusLabels) => string | undefined>> = {
  NodeDown: ({ node_uuid: node }) => node && `node_offline:${node}`,
  ManyNodesDown: () => 'node_offline:*',
  BreakerOpen: ({ dependency }) => dependency && `service_down:${dependency}`,
  ServiceFails: ({ dependency }) => dependency && `service_down:${dependency}`,
  RedisUnreachable: () => 'service_down:redis',
  DatabaseUnknown: () => 'service_down:postgresql',
  TaskErrorsSurge: () => 'task_errors:*',
  TaskErrorsAbovePromise: () => 'task_errors:*',
  HighTaskErrorRate: () => 'task_errors:*',
  QueueTooLong: ({ queue }) => queue && `queue_depth:${queue}`,
  TaskQueueBacklog: ({ queue }) => queue && `queue_depth:${queue}`,
  WorkerMemoryHigh: () => 'worker_memory:*',
  ScheduleOverdue: ({ task_name: task }) => task && `schedule_overdue:${task}`,
};

/** Whether an alert of the worker is what `covers` names. */
export const isSameTrouble = (covers: string, id: string): boolean =>
  covers.endsWith(':*') ? id.startsWith(covers.slice(0, -1)) : id === covers;

import { counter, gauge, histogram, liveGauge, type MadeOf, sharedCounter, sharedGauge } from './make-series.ts';

/** From a cached answer to the longest time limit of a task; 60, 180 and 600 are promises of the product. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 180, 300, 600, 900, 1800];

/** Those of the Python worker, whose rules and dashboards go on. */
const MAIL_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30];

/**
 * Every metric of this service; each name is written only here, and `docs/metrics.md` is made from this list. Existing dashboards and rules
 * use the names that start with `taskiq_` and those marked below, so these do not change. Label values are bounded: names of tasks, queues,
 * services and kinds, never users or messages.
 */
export const SERIES = {
  // Existing dashboards.
  attempts: counter('taskiq_task_total', 'Attempts by outcome: success, error, retry, snoozed, handed_back', [
    'task_name',
    'status',
  ]),
  // Existing rules of the platform, which count every status but `error` as a success.
  finished: counter('taskiq_tasks_total', 'Finished jobs by status: success or error', ['task_name', 'status']),
  // Existing dashboards and rules.
  duration: histogram('taskiq_task_duration_seconds', 'Wall-clock time of one attempt', ['task_name'], SECONDS),
  // Existing rules look for Redis or Connection in the type.
  errors: counter(
    'taskiq_task_errors_total',
    'Attempts that failed, and runs that an outage of PostgreSQL or Redis put off, by error code',
    ['task_name', 'error_type'],
  ),
  // Existing dashboards.
  retries: counter('taskiq_task_retries_total', 'Retries that were scheduled', ['task_name']),
  // Existing dashboards.
  inProgress: gauge('taskiq_tasks_in_progress', 'Attempts running now', ['task_name']),
  stuck: liveGauge(
    'cybervpn_tasks_stuck',
    'Attempts that run longer than their time limit and five minutes; longer than an hour where there is no limit',
    ['task_name'],
  ),
  givenUp: counter(
    'cybervpn_tasks_given_up_total',
    'Runs that hung and were given up: deaf (told to end a minute before) or silent (no time limit, and nothing moved for a minute)',
    ['task_name', 'why'],
  ),
  longestRun: liveGauge(
    'cybervpn_task_longest_run_seconds',
    'For how long the oldest attempt of those running now has been running',
    ['task_name'],
    'max',
  ),
  items: counter('cybervpn_task_items_total', 'What tasks counted in their results; see docs/tasks.md', [
    'task_name',
    'item',
  ]),
  startDelay: histogram(
    'cybervpn_task_start_delay_seconds',
    'From the moment a job was due to its start',
    ['task_name'],
    SECONDS,
  ),
  taskInfo: gauge('cybervpn_task_info', 'Always 1; the queue of each task', ['task_name', 'queue'], 'max'),

  // Existing dashboards.
  queueDepth: sharedGauge('taskiq_queue_depth', 'Jobs that wait or are active', ['queue_name']),
  // Existing rules and dashboards add all of these up, so no job is counted in two of them.
  depth: sharedGauge(
    'cybervpn_queue_depth',
    'What waits or is being worked on: jobs by queue, due rows of notification_queue, and as taskiq the stream of Python producers',
    ['queue'],
  ),
  queueJobs: sharedGauge(
    'cybervpn_queue_jobs',
    'The same in detail, by state: waiting, active, delayed, failed (kept as dead letters)',
    ['queue', 'state'],
  ),
  alerts: sharedGauge('cybervpn_alerts', 'Alerts that are on, by severity and state: on, acknowledged, muted', [
    'severity',
    'state',
  ]),
  deadLetters: sharedGauge('cybervpn_dead_letters', 'Dead letters that are kept: job or message', ['kind']),
  lastSuccess: sharedGauge(
    'cybervpn_schedule_last_success_timestamp_seconds',
    'When each scheduled task last ended well',
    ['task_name'],
  ),
  overdue: sharedGauge(
    'cybervpn_schedule_overdue',
    '1 where a scheduled task has not succeeded for twice its period, at least five minutes (dead man switch)',
    ['task_name'],
  ),
  paused: sharedGauge(
    'cybervpn_schedule_paused',
    '1 where a person has paused the schedule; such a schedule is never overdue',
    ['task_name'],
  ),

  intake: counter('cybervpn_taskiq_messages_total', 'Messages of Python producers: accepted, forwarded, or why not', [
    'result',
  ]),
  intakeLag: sharedGauge(
    'cybervpn_taskiq_lag',
    'Stream entries that nobody has read yet (unread) or that are not acknowledged (pending), and the age of the oldest one (oldest_pending_seconds)',
    ['what'],
  ),

  staffBotUpdates: counter(
    'cybervpn_staff_bot_updates_total',
    'What staff wrote to their bot or tapped, by kind (tap, command, other) and outcome: done, already, over, refused, failed, gone, forbidden (the role), stranger, unknown, ignored',
    ['kind', 'outcome'],
  ),
  staffBotPolls: counter(
    'cybervpn_staff_bot_polls_total',
    "Questions to Telegram for updates of the staff's bot: ok, failed",
    ['outcome'],
  ),
  staffBotPolling: gauge(
    'cybervpn_staff_bot_polling',
    "1 for the process that asks Telegram for updates of the staff's bot, 0 for the others that would",
  ),
  panelEvents: counter(
    'cybervpn_panel_events_total',
    'Events that the panel sent, by name and by what became of them: taken, refused (signature or body), put_off (Redis or PostgreSQL did not take it: the panel sends it again)',
    ['event', 'outcome'],
  ),

  // Existing rules and dashboards.
  requests: counter(
    'cybervpn_external_requests_total',
    'Calls of outside services, by HTTP status, or without one: error, timeout, rejected by an open breaker',
    ['service', 'method', 'status'],
  ),
  requestTime: histogram(
    'cybervpn_external_request_duration_seconds',
    'Duration of outside calls that were made, by outcome: ok, error, timeout',
    ['service', 'endpoint', 'outcome'],
    SECONDS,
  ),
  breaker: gauge(
    'cybervpn_breaker_state',
    'Circuit breakers: 0 closed, 1 half open, 2 open; the worst of the processes',
    ['service'],
    'max',
  ),
  rateWaits: histogram(
    'cybervpn_rate_limit_wait_seconds',
    'How long a call waited for its turn under a limit of all workers: remnawave, telegram_urgent, telegram_normal',
    ['limit'],
    SECONDS,
  ),
  redisMemory: sharedGauge('cybervpn_redis_memory_bytes', 'Memory of Redis: used, and max where it has a limit', [
    'what',
  ]),
  redisEvicted: sharedCounter('cybervpn_redis_evicted_keys_total', 'Keys that Redis threw away for want of memory'),
  redisRefused: sharedCounter('cybervpn_redis_oom_errors_total', 'Commands that Redis refused for want of memory'),

  // Existing dashboards.
  notifications: counter(
    'cybervpn_notifications_total',
    'Notifications by type and status: sent, retry, failed (given up), or why there will be none: blocked, chat_not_found, obsolete …',
    ['type', 'status'],
  ),
  notificationsPlain: counter(
    'cybervpn_notifications_plain_total',
    'Notifications that arrived as plain text, because Telegram could not read their HTML; each is sent in cybervpn_notifications_total as well',
    ['type'],
  ),
  notificationDelay: histogram(
    'cybervpn_notification_delay_seconds',
    'From the moment a notification was due to the answer of Telegram',
    ['type'],
    SECONDS,
  ),
  unreadableItems: counter(
    'cybervpn_unreadable_items_total',
    'Items left out of a list because they cannot be read, at each reading, by list: panel_users, panel_nodes, cryptobot_invoices, payments, notifications …',
    ['source'],
  ),
  // Existing dashboards.
  serverHealth: sharedGauge(
    'cybervpn_server_health',
    'One series for each status a node can have, online, offline, warning, maintenance: 1 for the one it has, 0 for the others',
    ['node_uuid', 'status'],
  ),
  nodeNoticeDelay: histogram(
    'cybervpn_node_notice_delay_seconds',
    'From the moment a node went down, as the panel has it, to the alert',
    [],
    SECONDS,
  ),
  // Existing dashboards.
  payments: counter(
    'cybervpn_payments_verified_total',
    'Payments looked at, by the state of their invoice (paid, active, expired, unknown) or what their completion came to',
    ['status'],
  ),
  paymentDelay: histogram(
    'cybervpn_payment_delay_seconds',
    'From the moment an invoice was paid to the active subscription',
    [],
    SECONDS,
  ),

  // Existing rules and dashboards, this one and all below it that begin with `cybervpn_email_` or `cybervpn_otp_`.
  emails: counter(
    'cybervpn_email_send_total',
    'Tries at e-mails by status: success or failed; provider is brevo, resend or smtp, by the server’s name',
    ['provider', 'email_type', 'status'],
  ),
  emailsInContext: counter(
    'cybervpn_email_send_context_total',
    'The same tries, with the channel and the locale that the backend asked for',
    ['channel', 'provider', 'email_type', 'locale', 'status'],
  ),
  emailSeconds: histogram(
    'cybervpn_email_send_duration_seconds',
    'Duration of one try at an e-mail',
    ['provider', 'email_type'],
    MAIL_SECONDS,
  ),
  emailSecondsInContext: histogram(
    'cybervpn_email_send_context_duration_seconds',
    'The same durations, with channel and locale',
    ['channel', 'provider', 'email_type', 'locale'],
    MAIL_SECONDS,
  ),
  emailErrors: counter(
    'cybervpn_email_send_errors_total',
    'Tries at e-mails that failed: api_error (the server refused), network_error, timeout, unknown (settings, address)',
    ['provider', 'error_type'],
  ),
  otpEmails: counter(
    'cybervpn_otp_emails_sent_total',
    'Tries at e-mails with a code that confirms an address; action is initial or resend, status success or failed',
    ['provider', 'action', 'status'],
  ),
  otpEmailErrors: counter('cybervpn_otp_email_errors_total', 'Those of them that failed, by the same error types', [
    'provider',
    'error_type',
  ]),
  otpFailed: counter(
    'cybervpn_otp_failed_total',
    'Codes that could not be used: expired before a server took them. What customers type is counted by the backend',
    ['reason'],
  ),

  workerInfo: gauge(
    'cybervpn_worker_info',
    'Always 1; version and role of each kind of process',
    ['version', 'role'],
    'max',
  ),
  startTime: gauge(
    'cybervpn_worker_start_time_seconds',
    'When the youngest process of each role started',
    ['role'],
    'max',
  ),
  deaths: counter(
    'cybervpn_worker_process_deaths_total',
    'Worker processes that died and were started again, by signal or as exit',
    ['reason'],
  ),
  dropped: counter(
    'cybervpn_worker_outputs_dropped_total',
    'Log lines, spans of traces, reports to the error tracker and runs of the history that were lost; the work goes on',
    ['output'],
  ),
  memoryLimit: liveGauge(
    'cybervpn_worker_memory_limit_bytes',
    'Memory limit of the container, where it has one',
    [],
    'max',
  ),
};

/** All of them, in the registry of one process. */
export type MadeSeries = MadeOf<typeof SERIES>;

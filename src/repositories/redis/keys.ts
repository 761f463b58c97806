/** Every Redis key of the worker is built here and nowhere else. Names are a contract with dashboards and the backend. */
const PREFIX = 'cybervpn:';
const own = (name: string): string => PREFIX + name;

/** Keys of the worker, all under `cybervpn:`. */
export const keys = {
  // State that other parts of the platform may read
  nodeHealth: (nodeUuid: string) => own(`health:${nodeUuid}:current`),
  nodeHealthHistory: (nodeUuid: string) => own(`health:${nodeUuid}:history`),
  /** Uuids of all nodes that are watched. */
  watchedNodes: () => own('health:nodes'),
  serviceHealth: (service: string) => own(`health:services:${service}`),
  bandwidth: (nodeUuid: string) => own(`bandwidth:${nodeUuid}`),
  /** `hour` = `YYYY-MM-DDTHH`, UTC. */
  bandwidthHourly: (nodeUuid: string, hour: string) => own(`bandwidth:hourly:${nodeUuid}:${hour}`),
  bulkProgress: (jobId: string) => own(`bulk:${jobId}:progress`),
  /** What became of each user of a bulk operation, by the job's own id. */
  bulkUsers: (jobId: string) => own(`bulk:${jobId}:users`),
  /** What an admin said of a broadcast, and whether all its rows are there. */
  broadcast: (broadcastId: string) => own(`bulk:${broadcastId}:broadcast`),
  /** Users whose disabling has begun and is not settled, by panel user id. */
  disablings: () => own('subscriptions:disabling'),
  /** `month` = `YYYY-MM`, UTC. Whose traffic reset was asked for, by panel user id. */
  trafficResets: (month: string) => own(`subscriptions:resets:${month}`),
  /** `userId` is the panel's uuid; its number on panel 3.x. */
  subscriptionReminder: (userId: string, bracket: string) => own(`sub_reminder:${userId}:${bracket}`),
  /** `date` = `YYYY-MM-DD`, UTC. */
  dailyStats: (date: string) => own(`stats:daily:${date}`),
  paymentStats: (date: string) => own(`stats:payments:${date}`),
  realtime: () => own('dashboard:realtime'),
  /** Nodes of the last weeks with their names, gone ones included. */
  seenNodes: () => own('nodes:seen'),
  /** `minute` = `YYYY-MM-DDTHH:MM`, UTC. How jobs ended, over all workers. */
  outcomesOfMinute: (minute: string) => own(`outcomes:minute:${minute}`),
  outcomesOfDay: (date: string) => own(`outcomes:day:${date}`),
  /** `report` = `daily:YYYY-MM-DD`. Admins who have its picture. */
  reportPictures: (report: string) => own(`reports:pictures:${report}`),
  userStats: () => own('users:stats:summary'),
  nodeConfig: (nodeUuid: string) => own(`nodes:config:${nodeUuid}`),
  events: () => own('events'),
  eventsChannel: () => own('sse:events'),

  /** What may be lost at any time. */
  cache: (name: string) => own(`cache:${name}`),
  /** A pattern, not a key: everything under the prefix, the backend's keys included. */
  all: () => own('*'),

  // Sending to Telegram
  notificationSent: (id: string) => own(`notification:sent:${id}`),
  unreachable: (telegramId: number) => own(`unreachable:${telegramId}`),
  /** In one hash slot, because one script reads them together (Redis Cluster). */
  telegramSlot: () => own('{telegram}:slot'),
  telegramPause: () => own('{telegram}:pause'),
  /** Times of the messages that really went out in the last second. */
  telegramSent: () => own('{telegram}:sent'),
  telegramChatSlot: (chatId: number) => own(`{telegram}:slot:${chatId}`),

  // The engine
  /** Both in one hash slot, because one script reads them together. */
  gate: (resource: string) => own(`gate:{${resource}}`),
  gateWaiting: (resource: string) => own(`gate:{${resource}}:waiting`),
  alert: (kind: string) => own(`alert:${kind}`),
  /** All alerts that are on, by id. */
  alertsOn: () => own('alerts:on'),
  queueSnapshot: () => own('queues:snapshot'),
  brake: (name: string) => own(`brake:${name}`),
  lastSuccess: () => own('schedules:last_success'),
  /** How the latest job of each task ended, by task. */
  lastRuns: () => own('tasks:last_runs'),
  /** `minute` = ISO 8601. Notifications that were sent or given up in that minute. */
  deliveries: (minute: string) => own(`deliveries:${minute}`),
  /** `caller` = name of the API token. The key is theirs, so it may hold anything. */
  idempotency: (caller: string, key: string) => own(`idempotency:${caller}:${Buffer.from(key).toString('base64url')}`),
  /** Channel: ids of jobs that are to end wherever they run. */
  jobCancellations: () => own('jobs:cancel'),
  cancelledJob: (jobId: string) => own(`jobs:cancelled:${jobId}`),
  /** Moments for which a schedule has made its job. */
  firedSlots: (task: string) => own(`schedules:fired:${task}`),
  schedulesKnownSince: () => own('schedules:known_since'),
  /** Memory of the running processes. */
  processMemory: () => own('workers:memory'),
  taskiqDead: () => own('taskiq:dead'),
  /** Which entries of other streams were copied into this one. In the stream's own hash slot, because one script writes both. */
  copiedInto: (stream: string) => own(`copied:{${hashTagOf(stream)}}`),
} as const;

/** The part of a key that decides its slot in a Redis Cluster; `config.ts` lets no stream have other braces than around such a part. */
const hashTagOf = (key: string): string => /\{([^{}]+)\}/.exec(key)?.[1] ?? key;

/** Keys of the platform's backend that the worker writes or deletes, because the backend expects it. */
export const backendKeys = {
  /** The backend's 5-minute cache of a panel user. */
  subscriptionCache: (panelUserUuid: string) => own(`subscription:${panelUserUuid}`),
  /** Its webhook idempotency mark, no prefix. */
  cryptobotProcessed: (invoiceId: string) => `cryptobot:processed:${invoiceId}`,
} as const;

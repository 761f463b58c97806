/** Every Redis key of the worker is built in this file only. The names are a contract with dashboards and the backend. */
const PREFIX = 'cybervpn:';
const own = (name: string): string => PREFIX + name;

/** The shop's bot writes to customers; the other one to staff. */
export type TelegramBot = 'shop' | 'staff';
/** Of each bot, and of messages of the shop's that are paid for. */
export type TelegramRate = TelegramBot | 'paid';
const ofBot = (bot: TelegramRate): string => (bot === 'shop' ? '' : `${bot}:`);

/** Keys of the worker, all under `cybervpn:`. */
export const keys = {
  // State that other parts of the platform may read
  nodeHealth: (nodeUuid: string) => own(`health:${nodeUuid}:current`),
  nodeHealthHistory: (nodeUuid: string) => own(`health:${nodeUuid}:history`),
  /** By host and number: each process of this service as it last said of itself. */
  processNotes: () => own('processes'),
  /** Uuids of all nodes that are watched. */
  watchedNodes: () => own('health:nodes'),
  /** The panel's version as the processes heard it, and as the admins were told of it. */
  panelVersion: () => own('panel:version'),
  /** A process is asking the panel for its version. */
  panelVersionAsked: () => own('panel:version:asked'),
  serviceHealth: (service: string) => own(`health:services:${service}`),
  bandwidth: (nodeUuid: string) => own(`bandwidth:${nodeUuid}`),
  /** `hour` = `YYYY-MM-DDTHH`, UTC. */
  bandwidthHourly: (nodeUuid: string, hour: string) => own(`bandwidth:hourly:${nodeUuid}:${hour}`),
  bulkProgress: (jobId: string) => own(`bulk:${jobId}:progress`),
  /** The state of each user in a bulk operation, by job id. */
  bulkUsers: (jobId: string) => own(`bulk:${jobId}:users`),
  /** The latest request of an admin about a broadcast, and whether all its rows are queued. */
  broadcast: (broadcastId: string) => own(`bulk:${broadcastId}:broadcast`),
  /** Users whose disabling has begun and is not settled, by their names. */
  disablings: () => own('subscriptions:disabling'),
  /** `month` = `YYYY-MM`, UTC. The users whose traffic reset was requested, by panel user id. */
  trafficResets: (month: string) => own(`subscriptions:resets:${month}`),
  /** Panel users whom an event of the panel named and who are not looked at yet, by their names. */
  panelLooks: () => own('subscriptions:looks'),
  /** How many customers of those whose time ends soon have no known Telegram id, at the last look that the admins know of. */
  contactCounts: () => own('subscriptions:contacts'),
  /** `hour` = `YYYY-MM-DDTHH`, UTC. How many notices followed from such looks in that hour. */
  panelLooksTold: (hour: string) => own(`subscriptions:looks:told:${hour}`),
  /** `userId` is the panel's uuid, on panel 3.x its number. */
  subscriptionReminder: (userId: string, bracket: string) => own(`sub_reminder:${userId}:${bracket}`),
  /** `date` = `YYYY-MM-DD`, UTC. */
  dailyStats: (date: string) => own(`stats:daily:${date}`),
  paymentStats: (date: string) => own(`stats:payments:${date}`),
  realtime: () => own('dashboard:realtime'),
  /** The nodes of the last weeks with their names, including removed ones. */
  seenNodes: () => own('nodes:seen'),
  /** `minute` = `YYYY-MM-DDTHH:MM`, UTC. Counts of succeeded and failed jobs over all workers. */
  outcomesOfMinute: (minute: string) => own(`outcomes:minute:${minute}`),
  outcomesOfDay: (date: string) => own(`outcomes:day:${date}`),
  /** `report` = `daily:YYYY-MM-DD`. Admins who have its picture. */
  reportPictures: (report: string) => own(`reports:pictures:${report}`),
  userStats: () => own('users:stats:summary'),
  nodeConfig: (nodeUuid: string) => own(`nodes:config:${nodeUuid}`),
  events: () => own('events'),
  eventsChannel: () => own('sse:events'),

  /** Copies that may be lost at any time. */
  cache: (name: string) => own(`cache:${name}`),
  /** A pattern, not a key: everything under the prefix, the backend's keys included. */
  all: () => own('*'),

  // Sending to Telegram
  notificationSent: (id: string) => own(`notification:sent:${id}`),
  unreachable: (telegramId: number, bot: TelegramBot = 'shop') => own(`unreachable:${ofBot(bot)}${telegramId}`),
  /** The Telegram keys share one hash slot, because one script reads them together (Redis Cluster). Each bot has its own. */
  telegramSlot: (rate: TelegramRate = 'shop') => own(`{telegram}:${ofBot(rate)}slot`),
  telegramPause: (bot: TelegramBot = 'shop') => own(`{telegram}:${ofBot(bot)}pause`),
  /** The times of the messages that went out in the last second. */
  telegramSent: (rate: TelegramRate = 'shop') => own(`{telegram}:${ofBot(rate)}sent`),
  /** The slots of messages that may have arrived within the last second, by when each is free. */
  telegramHeld: (rate: TelegramRate = 'shop') => own(`{telegram}:${ofBot(rate)}held`),
  /** How long an answer takes on average, in microseconds. */
  telegramAnswer: (rate: TelegramRate = 'shop') => own(`{telegram}:${ofBot(rate)}answer`),
  telegramChatSlot: (chatId: number, bot: TelegramBot = 'shop') => own(`{telegram}:${ofBot(bot)}slot:${chatId}`),

  // The staff's bot: one hash slot for what one script reads together
  /** The process that may ask Telegram for updates. */
  staffPoller: () => own('{staff-bot}:poller'),
  /** The highest update that was taken. */
  staffUpdate: () => own('{staff-bot}:update'),
  /** What alerts of one subject for one person are about, by the part that the ids of their rows share. */
  alertFacts: (rows: string) => own(`alerts:facts:${rows}`),
  /** One message with buttons. */
  alertCard: (card: string) => own(`alerts:card:${card}`),
  /** The messages that tell one alert, by card. */
  alertCopies: (alert: string) => own(`alerts:copies:${alert}`),
  /** The decisions about one alert, by the group of answers that exclude each other. */
  alertDecisions: (alert: string) => own(`alerts:decisions:${alert}`),
  /** A link that logs in once; `code` is a digest. */
  loginLink: (code: string) => own(`sessions:link:${code}`),

  // Telling the backend: one hash slot, because one script reads all three
  /** The moment from which the backend may be asked again. */
  backendNext: () => own('{backend}:next'),
  /** The moment until which it wants no requests. */
  backendPause: () => own('{backend}:pause'),
  /** Payments that wait for their turn, by the moment of their place. */
  backendPlaces: () => own('{backend}:places'),

  // E-mail
  /** The run that hands the message of this job to a mail server, or that it was sent. */
  mailClaim: (jobId: string) => own(`mail:claim:${jobId}`),

  // The engine
  /** Both keys of a gate share one hash slot, because one script reads them together. */
  gate: (resource: string) => own(`gate:{${resource}}`),
  gateWaiting: (resource: string) => own(`gate:{${resource}}:waiting`),
  alert: (kind: string) => own(`alert:${kind}`),
  /** All firing alerts, by id. */
  alertsOn: () => own('alerts:on'),
  /** Whose alerts were read back from the rows that told them. Gone with them where Redis loses all. */
  alertsRecalled: () => own('alerts:recalled'),
  /** Critical alerts of what happened once, until somebody acknowledges them, by id. */
  alertsOnce: () => own('alerts:once'),
  /** What waits to be told by the second way. */
  alertsSecondWay: () => own('alerts:second_way'),
  /** Alerts that nobody is told of for a time, by id. */
  alertsMuted: () => own('alerts:muted'),
  /** When alerts ended, by id. */
  alertsEnded: () => own('alerts:ended'),
  queueSnapshot: () => own('queues:snapshot'),
  brake: (name: string) => own(`brake:${name}`),
  lastSuccess: () => own('schedules:last_success'),
  /** The outcome of the latest job of each task, by task. */
  lastRuns: () => own('tasks:last_runs'),
  /** `minute` = ISO 8601. Counts of the notifications that were sent or given up in that minute. */
  deliveries: (minute: string) => own(`deliveries:${minute}`),
  deliveryHour: (hour: string) => own(`deliveries:hour:${hour}`),
  /** `date` = `YYYY-MM-DD`, UTC. Notifications that were sent at once and have no row in `notification_queue`, by status. */
  directDeliveries: (date: string) => own(`deliveries:direct:${date}`),
  /** `caller` = name of the API token. The caller chooses the key, so it may hold any text. */
  idempotency: (caller: string, key: string) => own(`idempotency:${caller}:${Buffer.from(key).toString('base64url')}`),
  /** A session of the console that was ended by a logout. */
  endedSession: (session: string) => own(`sessions:ended:${session}`),
  /** Channel: the ids of cancelled jobs, for all processes. */
  jobCancellations: () => own('jobs:cancel'),
  /** Channel: what one process says to itself, to learn whether it would hear. */
  cancellationEcho: (listener: string) => own(`jobs:cancel:echo:${listener}`),
  cancelledJob: (jobId: string) => own(`jobs:cancelled:${jobId}`),
  /** The moments for which a schedule has made its job. */
  firedSlots: (task: string) => own(`schedules:fired:${task}`),
  /** Whose schedules hold, and which they are. */
  scheduleClaim: () => own('schedules:claim'),
  schedulesKnownSince: () => own('schedules:known_since'),
  /** The maintenance windows of nodes as they were last read. */
  maintenanceWindows: () => own('nodes:maintenance'),
  /** Pauses by task. */
  schedulesPaused: () => own('schedules:paused'),
  /** When each schedule was last resumed. */
  schedulesResumed: () => own('schedules:resumed'),
  /** Written to learn whether Redis takes writes; gone after seconds. */
  probe: (part = 0) => own(`probe:${part}`),
  /** When a worker was last there, and the last time that none was. */
  workerTimes: () => own('workers:times'),
  /** Memory of the running processes. */
  processMemory: () => own('workers:memory'),
  taskiqDead: () => own('taskiq:dead'),
  /** The entries of other streams that were copied into this one. Shares the hash slot of the stream, because one script writes both. */
  copiedInto: (stream: string) => own(`copied:{${hashTagOf(stream)}}`),
} as const;

/** The part of a key that decides its slot in a Redis Cluster; `config.ts` allows a stream name no other braces. */
const hashTagOf = (key: string): string => /\{([^{}]+)\}/.exec(key)?.[1] ?? key;

/** Keys of the platform's backend that the worker writes or deletes, because the backend expects it. */
export const backendKeys = {
  /** The backend's 5-minute cache of a panel user. */
  subscriptionCache: (panelUserUuid: string) => own(`subscription:${panelUserUuid}`),
  /** Its webhook idempotency mark, no prefix. */
  cryptobotProcessed: (invoiceId: string) => `cryptobot:processed:${invoiceId}`,
} as const;

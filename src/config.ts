import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { mailbox } from './lib/email-address.ts';
import {
  apiTokens,
  basicAuth,
  botToken,
  connectionUrl,
  countBetween,
  customerLink,
  dsn,
  flag,
  headers,
  httpUrl,
  list,
  listenAddress,
  mailAddresses,
  onCall,
  quietHours,
  STREAM_NAME,
  STREAM_NAME_PROBLEM,
  secretPartsOf,
  secretText,
  secretUrl,
  share,
  telegramAdmins,
  text,
  trustedProxies,
  url,
} from './lib/env-values.ts';
import { issueInWords } from './lib/issue-in-words.ts';
import { nearest } from './lib/nearest.ts';
import { filesOfPostgresUrl, postgresUrl, secretsOfPostgresUrl } from './lib/postgres-url.ts';
import { filesOfRedisUrl, parseRedisUrl, secretsOfRedisUrl } from './lib/redis-url.ts';
import { isTimeZone } from './lib/zoned-clock.ts';

declare module 'zod' {
  interface GlobalMeta {
    /** For messages about a missing or wrong value, and for `.env.example`. */
    example?: string;
    /** An empty value has a meaning other than "unset". */
    emptyHasMeaning?: boolean;
  }
}

declare const seenByTasks: unique symbol;
type SeenByTasks = { readonly [seenByTasks]: true };

const SEEN_BY_TASKS = new WeakSet<z.ZodType>();

/** Puts a field into `Settings`, which every task sees. An address of a service or a secret must not be in it. */
const forTasks = <Field extends z.ZodType>(field: Field): Field & SeenByTasks => {
  SEEN_BY_TASKS.add(field);
  return field as Field & SeenByTasks;
};

/**
 * The environment, read once and checked as a whole. An empty value counts as unset, so `NAME=` in an env file means the default, unless
 * the field says `emptyHasMeaning`. The kind of a value marks its secret parts (`lib/env-values.ts`).
 */
export const variables = z.object({
  DATABASE_URL: connectionUrl(postgresUrl, filesOfPostgresUrl, secretsOfPostgresUrl).meta({
    description:
      'PostgreSQL URL; the postgresql+asyncpg:// form of the backend is accepted too. TLS as in libpq: ?sslmode=verify-full&sslrootcert=/path/ca.pem',
    example: 'postgresql://worker:secret@db:5432/cybervpn',
  }),
  REDIS_URL: connectionUrl(
    (value) => {
      parseRedisUrl(value);
      return value;
    },
    filesOfRedisUrl,
    secretsOfRedisUrl,
  ).meta({
    description:
      'Redis or Valkey: redis://host:port/db, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/master/db; rediss instead of redis for TLS, ?ssl_ca_certs=/path/ca.pem for an own CA',
    example: 'redis://redis:6379/0',
  }),
  REMNAWAVE_URL: httpUrl.meta({
    description: 'Base URL of the Remnawave panel',
    example: 'http://remnawave:3000',
  }),
  REMNAWAVE_API_TOKEN: secretText.min(1).meta({
    description: 'API token made in the panel',
    example: 'eyJhbGciOi...',
  }),
  REMNAWAVE_WEBHOOK_SECRET: secretText
    .min(16, { error: 'must have 16 characters or more' })
    .optional()
    .describe(
      'WEBHOOK_SECRET_HEADER of the panel; with it POST /webhooks/remnawave takes its events, and what they name is looked at at once instead of at the next look',
    ),
  TELEGRAM_BOT_TOKEN: botToken.meta({ description: 'Bot API token', example: '123456:ABC-DEF1234' }),
  CRYPTOBOT_TOKEN: secretText.min(1).meta({ description: 'Crypto Pay API token', example: '12345:AAabcdef' }),
  ADMIN_TELEGRAM_IDS: forTasks(
    telegramAdmins.meta({
      description:
        "Telegram ids of those who get alerts and reports, comma-separated: id, or id:role with what the person may do by the staff's bot, a role of view, support, admin or owner, which is the default; or id:role:name with the name of this person's token, so that both are one person where a second one must say yes",
      example: '111111111:owner:olga,222222222:support',
    }),
  ),
  ADMIN_BOT_TOKEN: botToken.optional().meta({
    description:
      'Token of a second bot, for staff alone: alerts come by it with buttons, and it answers commands; without it they come by the bot of TELEGRAM_BOT_TOKEN, whose messages are never read',
    example: '654321:FED-CBA4321',
  }),
  WORKER_CONCURRENCY: countBetween(1, 64).default(2).describe('Worker processes'),
  TASK_CONCURRENCY: countBetween(1, 1000).default(16).describe('Tasks at once per process'),
  LOG_LEVEL: text
    .toUpperCase()
    .pipe(z.enum(['DEBUG', 'INFO', 'WARNING', 'ERROR']))
    .default('INFO')
    .describe('Least severe line that is logged: DEBUG, INFO, WARNING or ERROR'),
  RESULT_TTL_SECONDS: forTasks(countBetween(1, 2_592_000).default(3600).describe('Seconds that results are kept')),
  NOTIFICATION_MAX_RETRIES: forTasks(countBetween(1, 5).default(5).describe('Attempts of one notification, at most 5')),
  NOTIFICATION_BATCH_SIZE: forTasks(countBetween(1, 1000).default(50).describe('Notifications claimed at once')),
  NOTIFICATION_STALE_HOURS: forTasks(
    countBetween(1, 8760)
      .default(24)
      .describe('Hours overdue from which a backlog of notifications is held for an admin'),
  ),
  HEALTH_CHECK_INTERVAL_SECONDS: forTasks(
    countBetween(5, 3600)
      .default(120)
      .describe('Seconds between two looks at the nodes; above 120 an outage may be noticed later than promised'),
  ),
  CLEANUP_AUDIT_RETENTION_DAYS: forTasks(countBetween(1, 3650).default(90).describe('Days that audit logs are kept')),
  CLEANUP_WEBHOOK_RETENTION_DAYS: forTasks(
    countBetween(1, 3650).default(30).describe('Days that webhook logs are kept'),
  ),
  HISTORY_DAYS: countBetween(1, 365)
    .default(30)
    .describe('Days that runs are kept, where task-worker schema install has been run'),
  AUDIT_ARCHIVE: forTasks(flag.default(false).describe('Store audit logs in export storage before deleting them')),
  BULK_BATCH_SIZE: forTasks(countBetween(1, 500).default(50).describe('Users per batch of a bulk operation')),
  METRICS_PORT: countBetween(0, 65_535).default(9090).describe('HTTP port: metrics, health, API, console'),
  METRICS_HOST: listenAddress
    .default('::')
    .describe('Address that the HTTP port is open at; :: is all of IPv6 and IPv4, 0.0.0.0 all of IPv4'),
  METRICS_BASIC_AUTH: basicAuth.optional().describe('user:password that /metrics asks for; open to all without'),
  API_TOKENS: apiTokens
    .default([])
    .describe(
      'Who may call the API and use the console, comma-separated: name:token, or name:token:role with a role of view, support, admin or owner, which is the default; tokens of 16 characters or more; both are off without',
    ),
  TRUST_PROXY: trustedProxies
    .default(0)
    .describe(
      'Whose X-Forwarded-For says where a caller comes from: a number of proxies before this service, or their addresses and networks such as 10.0.0.0/8, comma-separated; nobody is trusted with 0',
    ),
  DB_POOL_SIZE: countBetween(1, 200).default(15).describe('PostgreSQL connections per process'),
  TELEGRAM_API_URL: httpUrl.default('https://api.telegram.org').describe('Another Bot API server'),
  CRYPTOBOT_API_URL: httpUrl.default('https://pay.crypt.bot').describe('Another Crypto Pay host, such as the testnet'),
  TELEGRAM_RATE_PER_SECOND: countBetween(1, 100_000).default(30).describe('Messages a second over all workers'),
  TELEGRAM_PAID_RATE_PER_SECOND: countBetween(31, 1_000)
    .optional()
    .describe(
      'Messages a second, over all workers, of broadcasts that ask for the paid rate; Telegram takes 0.1 Stars for each above its own rate. No broadcast may ask for it without',
    ),
  REMNAWAVE_CONCURRENCY: countBetween(1, 100).default(8).describe('Panel requests at once over all workers'),
  TASKIQ_STREAM: z
    .string()
    .trim()
    .regex(STREAM_NAME, STREAM_NAME_PROBLEM)
    .default('taskiq')
    .meta({ description: 'Stream of the Python producers; empty turns the intake off', emptyHasMeaning: true }),
  TASKIQ_GROUP: text.min(1).default('taskiq').describe('Consumer group on that stream'),
  TASKIQ_RESULT_FORMAT: z
    .enum(['pickle', 'json'])
    .default('pickle')
    .describe('How results for Python producers are written: pickle or json'),
  TASKIQ_FORWARD_STREAM: text
    .regex(STREAM_NAME, STREAM_NAME_PROBLEM)
    .optional()
    .describe('Messages of tasks that are unknown or switched off go there unchanged instead of to the dead letters'),
  TASKIQ_TAKEOVER_SECONDS: countBetween(5, 3600)
    .default(60)
    .describe('What a silent consumer of the group holds is taken over after this; a stuck lock is respected as long'),
  BACKEND_API_URL: httpUrl.optional().describe("The platform's backend; payments are completed through it when set"),
  COMPLETED_BY_BACKEND: z
    .enum(['extend', 'ask', 'leave'])
    .default('extend')
    .describe(
      "Bought days of a payment that the backend's webhook completed first: extend gives them where nobody has, ask asks a person, leave leaves them to the backend",
    ),
  SMTP_URL: url(['smtp', 'smtps'])
    .optional()
    .describe('Server that sends e-mail, as smtp://user:password@host:587 or smtps://; the e-mail tasks fail without'),
  SMTP_URL_RESEND: url(['smtp', 'smtps']).optional().describe('Second server, for repeated messages'),
  SMTP_ALLOW_CLEARTEXT: flag
    .default(false)
    .describe(
      'Logins and codes may go to a mail server that does not encrypt; else only mail without login to this very host does',
    ),
  EMAIL_FROM: text
    .refine((value) => mailbox(value) !== undefined, { error: 'must be an address, or Name <address>' })
    .optional()
    .describe('Address that e-mail comes from; the e-mail tasks fail without'),
  MAGIC_LINK_BASE_URL: forTasks(
    httpUrl.optional().describe('Where the link of a magic-link e-mail leads; the token is appended'),
  ),
  DEFAULT_LOCALE: forTasks(
    z.enum(['ru', 'en']).default('ru').describe('Language of messages where the user has none: ru or en'),
  ),
  TIME_ZONE: forTasks(
    text
      .refine(isTimeZone, { error: 'must be a time zone, such as UTC or Europe/Moscow' })
      .default('UTC')
      .describe(
        'Time zone of people, by its IANA name: the console shows its clock besides UTC, messages to customers tell times in it',
      ),
  ),
  QUIET_HOURS: forTasks(
    quietHours
      .optional()
      .describe(
        'Hours of TIME_ZONE, as 22:00-09:00, in which nobody hears of what can wait; by default there are none',
      ),
  ),
  ALERT_ESCALATE_MINUTES: countBetween(1, 1440)
    .default(10)
    .describe('Minutes after which a critical alert that nobody has acknowledged is told to the next'),
  ON_CALL: onCall.default([]).meta({
    description:
      'Who of ADMIN_TELEGRAM_IDS is told of critical alerts first: ids in order, or turns of a week in TIME_ZONE as mon-fri 09:00-18:00 111,222; sat,sun 333; all at once without',
    example: '111111111,222222222',
  }),
  ALERT_EMAILS: mailAddresses
    .default([])
    .describe(
      'Who gets critical alerts by e-mail when Telegram does not take them or nobody acknowledges them, comma-separated; needs SMTP_URL and EMAIL_FROM',
    ),
  ALERT_WEBHOOK_URL: secretUrl
    .optional()
    .describe('Where critical alerts are posted when Telegram does not take them or nobody acknowledges them'),
  ALERT_WEBHOOK_SECRET: secretText
    .min(16, { error: 'must have 16 characters or more' })
    .optional()
    .describe('Signs what is posted there, in the header X-CyberVPN-Signature'),
  ALERT_WEBHOOK_FORMAT: z
    .enum(['own', 'slack', 'ntfy'])
    .default('own')
    .describe('How it is posted: own (JSON), slack (JSON that Slack and Mattermost take), ntfy (text with headers)'),
  ALERTMANAGER_WEBHOOK_SECRET: secretText
    .min(16, { error: 'must have 16 characters or more' })
    .optional()
    .describe(
      'Token or password with which Alertmanager hands its alerts in at POST /webhooks/alertmanager; the route is off without',
    ),
  REPORT_DAY: forTasks(
    z
      .enum(['utc', 'local'])
      .default('utc')
      .describe('Days of reports and figures: utc, or local, which are those of TIME_ZONE, with 23 and 25 hours'),
  ),
  BRAND_NAME: text
    .regex(/^[^\p{Cc}]{1,60}$/u, { error: 'must be 1 to 60 characters' })
    .default('CyberVPN')
    .describe('Name of the shop in texts to customers'),
  SUPPORT_URL: customerLink.optional().meta({
    description: 'Where customers find support; messages to them have a button to it when set',
    example: 'https://t.me/your_support',
  }),
  RENEW_URL: customerLink.optional().meta({
    description: 'Where customers renew, in place of the bot; messages to them have a button to it when set',
    example: 'https://vpn.example/renew',
  }),
  TEXTS_DIR: text.refine(isAbsolute, { error: 'must be an absolute path of a folder' }).optional().meta({
    description: 'Folder of files with texts to customers, such as reminder.en.html, in place of the built-in ones',
    example: '/etc/task-worker/texts',
  }),
  DISABLED_TASKS: list.default([]).describe('Tasks that are switched off, by name, comma-separated'),
  CAMPAIGN_WEEKLY_CAP: forTasks(
    countBetween(1, 100)
      .default(3)
      .describe('Messages of campaigns that one customer gets in seven days, at most; the built-in reminders count'),
  ),
  APPROVAL_ABOVE: z
    .union([text.toLowerCase().pipe(z.literal('off')), countBetween(0, 1_000_000)])
    .default(100)
    .describe(
      'Deleting more users than this, and a message to all, waits for the yes of a second person of API_TOKENS with the role admin, where there is one; off: never',
    ),
  SAFETY_MAX_SHARE: forTasks(
    share.default(0.2).describe('Share of all users that a scheduled run may touch without an admin, as 0.2 or 20%'),
  ),
  RESET_STRATEGIES: forTasks(
    list
      .default(['NO_RESET'])
      .describe('Traffic strategies of the panel whose monthly reset is done by this service, comma-separated'),
  ),
  EXPORT_DIR: text
    .refine((value) => isAbsolute(value) && value !== '/', { error: 'must be an absolute path of a folder' })
    .default('/tmp/exports')
    .describe('Folder of exports and of the audit archive, unless S3_BUCKET is set'),
  EXPORT_TTL_HOURS: forTasks(countBetween(1, 8760).default(24).describe('Hours until an export is removed')),
  S3_BUCKET: text.optional().meta({
    description: 'Exports and the audit archive go to this bucket when set',
    example: 'cybervpn-exports',
  }),
  S3_PREFIX: text
    .regex(/^[\w.-]+(\/[\w.-]+)*$/, { error: 'must be a name or a path such as platform/task-worker' })
    .default('task-worker')
    .describe('Folder inside the bucket; nothing outside it is read or removed'),
  S3_ENDPOINT: httpUrl.optional().describe('Another S3 than that of AWS: MinIO, R2, Ceph'),
  S3_REGION: text.default('us-east-1').describe('Region of the bucket'),
  S3_ACCESS_KEY_ID: text.optional().describe("Without it, the machine's own role is used"),
  S3_SECRET_ACCESS_KEY: secretText.optional().describe('Belongs to S3_ACCESS_KEY_ID'),
  S3_FORCE_PATH_STYLE: flag.default(false).describe('Bucket in the path, not in the host name, as MinIO wants it'),
  S3_CHECKSUMS: flag
    .default(false)
    .describe('Sends the newer checksums, as buckets with object lock want; some S3 services do not understand them'),
  PUBLIC_URL: forTasks(httpUrl.optional().describe('Where people reach this service; the start of links to exports')),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl
    .optional()
    .describe('Collector that takes traces by OTLP over HTTP, usually on port 4318; traces are off without'),
  OTEL_EXPORTER_OTLP_HEADERS: headers.optional().describe('Headers for the collector, as name=value,name=value'),
  OTEL_SERVICE_NAME: text.min(1).default('cybervpn-task-worker').describe('Name of this service in traces'),
  OTEL_TRACES_SAMPLER: z
    .enum([
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ])
    .default('parentbased_always_on')
    .describe(
      'Which traces are kept: always_on, always_off, traceidratio, or one of these after parentbased_, which follows the producer where it decided',
    ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1).describe('Share that is kept by traceidratio'),
  SENTRY_DSN: dsn.optional().describe('Where errors of tasks out of retries and crashes are reported; off without'),
  SENTRY_ENVIRONMENT: text.min(1).default('production').describe('Which installation reports'),
});

/** The bot's id, which its token begins with. */
const botOf = (token: string): string => token.split(':')[0]!;

/** Checks variables that need another variable. */
const schema = variables.superRefine((config, context) => {
  const want = (name: keyof typeof config): void => {
    if (config[name] === undefined) context.addIssue({ code: 'custom', path: [name] });
  };
  if (config.ADMIN_BOT_TOKEN !== undefined && botOf(config.ADMIN_BOT_TOKEN) === botOf(config.TELEGRAM_BOT_TOKEN))
    context.addIssue({
      code: 'custom',
      path: ['ADMIN_BOT_TOKEN'],
      message:
        "must be of another bot than TELEGRAM_BOT_TOKEN: the messages of the shop's bot are the platform's to read",
    });
  if (config.S3_ENDPOINT !== undefined || config.S3_ACCESS_KEY_ID !== undefined) want('S3_BUCKET');
  if (config.S3_ACCESS_KEY_ID !== undefined) want('S3_SECRET_ACCESS_KEY');
  if (config.ALERT_EMAILS.length > 0) for (const name of ['SMTP_URL', 'EMAIL_FROM'] as const) want(name);
  if (config.ALERT_WEBHOOK_SECRET !== undefined) want('ALERT_WEBHOOK_URL');
  const admins = new Set(config.ADMIN_TELEGRAM_IDS.map(({ telegramId }) => telegramId));
  const strangers = config.ON_CALL.flatMap(({ ids }) => ids).filter((id) => !admins.has(id));
  if (strangers.length > 0)
    context.addIssue({ code: 'custom', path: ['ON_CALL'], message: 'names ids that are not in ADMIN_TELEGRAM_IDS' });
  if (config.S3_SECRET_ACCESS_KEY !== undefined) want('S3_ACCESS_KEY_ID');
});

const fields = new Map<string, z.ZodType>(Object.entries(variables.shape));
const exampleOf = (name: string): string | undefined => fields.get(name)?.meta()?.example;
const emptyHasMeaning = (name: string): boolean => fields.get(name)?.meta()?.emptyHasMeaning ?? false;

/** The prefix of variables that set a schedule from outside: `SCHEDULE_<TASK_NAME>`, a cron pattern or an interval such as `30s`. */
const SCHEDULE_PREFIX = 'SCHEDULE_';

export type Config = z.output<typeof schema> & {
  /** Overrides by task name: a cron pattern in UTC or an interval (`30s`, `5m`, `2h`). */
  schedules: ReadonlyMap<string, string>;
};

type Shape = (typeof variables)['shape'];

/** The part of the configuration that tasks see: the fields that are marked `forTasks`. */
export type Settings = Pick<
  Config,
  { [Name in keyof Shape]: Shape[Name] extends SeenByTasks ? Name : never }[keyof Shape]
>;

/** Copies the part of the configuration that tasks see. */
export const settingsOf = (config: Config): Settings =>
  Object.fromEntries(
    Object.entries(variables.shape)
      .filter(([, field]) => SEEN_BY_TASKS.has(field))
      .map(([name]) => [name, config[name as keyof Config]]),
  ) as Settings;

/** Thrown when the environment does not fit. Its message lists every problem; the process exits with code 78 (EX_CONFIG of sysexits.h). */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The environment has ${problems.length} problem(s):\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Finds problems of schedules and names of tasks, which need the registry. A line never contains the value. */
export type TaskProblems = (given: {
  schedules: Config['schedules'];
  disabled: readonly string[];
}) => readonly string[];

/** An environment is read once: compiling the schema, as zod does for what is read often, would take longer and stay in memory. */
const ONCE = { error: issueInWords, jitless: true };

/** Checks `env` and names every problem at once. Throws `ConfigError`, whose message never contains the values. */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>>,
  taskProblems: TaskProblems = () => [],
): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) => value !== undefined && (value.trim() !== '' || emptyHasMeaning(name)),
    ),
  );
  const parsed = schema.safeParse(given, ONCE);
  const schedules = new Map<string, string>();
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith(SCHEDULE_PREFIX))
      schedules.set(name.slice(SCHEDULE_PREFIX.length).toLowerCase(), value!.trim());
  }
  const problems = [
    ...(parsed.error?.issues ?? []).map((issue) => describe(issue, given)),
    ...taskProblems({ schedules, disabled: list.parse(given.DISABLED_TASKS ?? '') }),
  ];
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return { ...parsed.data, schedules };
}

/** Names that nothing here reads but that look like one of ours, with the name that was probably meant. */
export function misspelt(
  env: Readonly<Record<string, string | undefined>>,
): readonly { name: string; meant: readonly string[] }[] {
  const known = Object.keys(variables.shape);
  return Object.keys(env)
    .filter((name) => name.includes('_') && !known.includes(name) && !name.startsWith(SCHEDULE_PREFIX))
    .map((name) => ({ name, meant: nearest(name, known).filter((near) => !(near in env)) }))
    .filter(({ meant }) => meant.length > 0);
}

/** Only the address of the database, for commands that need nothing else. Throws `ConfigError`. */
export function parseDatabaseUrl({ DATABASE_URL }: Readonly<Record<string, string | undefined>>): string {
  const given = { DATABASE_URL: DATABASE_URL?.trim() || undefined };
  const parsed = variables.pick({ DATABASE_URL: true }).safeParse(given, ONCE);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => describe(issue, given)));
  return parsed.data.DATABASE_URL;
}

/** Every value of the configuration that must never be printed, according to the marks of the fields. */
export function secretsOf(config: Partial<Config>): string[] {
  const values: Readonly<Record<string, unknown>> = config;
  const found = [...fields].flatMap(([name, field]) => {
    const value = values[name];
    return value === undefined ? [] : (secretPartsOf(field)?.(value) ?? []);
  });
  return [...new Set(found)].filter(Boolean);
}

/** All variables with default and meaning, for `docs/configuration.md` and `.env.example`. */
export function describeConfig(): readonly {
  name: string;
  required: boolean;
  default: unknown;
  meaning: string;
  example: string | undefined;
}[] {
  return Object.entries(variables.shape).map(([name, field]) => {
    const required = !field.safeParse(undefined).success;
    const fallback = required ? undefined : field.safeParse(undefined).data;
    return { name, required, default: fallback, meaning: field.description ?? '', example: exampleOf(name) };
  });
}

function describe(issue: z.core.$ZodIssue, given: Readonly<Record<string, string | undefined>>): string {
  const name = String(issue.path[0]);
  const example = exampleOf(name) ? `, for example ${name}=${exampleOf(name)}` : '';
  if (given[name] === undefined) return `${name} is required but not set${example}`;
  return `${name} is not valid: ${issue.message.replace(/^Invalid input: /, '')}${example}`;
}

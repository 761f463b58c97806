import { describe, expect, test } from 'vitest';
import { ConfigError, describeConfig, parseConfig, secretsOf, settingsOf } from './config.ts';

const COMPLETE = {
  DATABASE_URL: 'postgresql+asyncpg://worker:pass@db:5432/cybervpn',
  REDIS_URL: 'redis://redis:6379/0',
  REMNAWAVE_URL: 'http://panel:3000/',
  REMNAWAVE_API_TOKEN: 'panel-token',
  TELEGRAM_BOT_TOKEN: '123456:abcdefgh',
  CRYPTOBOT_TOKEN: '1:crypto',
  ADMIN_TELEGRAM_IDS: '11, 22:Support,11',
};

const ADMINS = [
  { telegramId: 11, role: 'owner', person: undefined },
  { telegramId: 22, role: 'support', person: undefined },
];

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    parseConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('the environment', () => {
  test('of a complete set is read with its defaults', () => {
    const config = parseConfig(COMPLETE);
    expect(config).toMatchObject({
      DATABASE_URL: 'postgresql://worker:pass@db:5432/cybervpn',
      REMNAWAVE_URL: 'http://panel:3000',
      ADMIN_TELEGRAM_IDS: ADMINS,
      WORKER_CONCURRENCY: 2,
      TASK_CONCURRENCY: 16,
      TASKIQ_STREAM: 'taskiq',
      DEFAULT_LOCALE: 'ru',
      SAFETY_MAX_SHARE: 0.2,
      API_TOKENS: [],
      TRUST_PROXY: 0,
    });
  });

  test.each([
    ['11:boss', 'no known role'],
    ['11:view,11:admin', 'gives one id two roles'],
    ['11:admin:olga,11', 'gives one id two roles'],
    ['11:admin:olga,11:admin:anna', 'gives one id two names, olga and anna'],
    ['11:admin:olga,22:owner:anna.k', undefined],
    ['11,', undefined],
    ['olga', 'numeric Telegram ids'],
    ['11:', 'numeric Telegram ids'],
    ['-1001234567890:view', undefined],
  ])('ADMIN_TELEGRAM_IDS=%s is taken, or its problem is named', (given, problem) => {
    const found = problemsOf({ ...COMPLETE, ADMIN_TELEGRAM_IDS: given });
    if (problem === undefined) expect(found).toEqual([]);
    else expect(found).toEqual([expect.stringContaining(problem)]);
  });

  test("the staff's bot is another bot than the shop's", () => {
    const [problem] = problemsOf({ ...COMPLETE, ADMIN_BOT_TOKEN: '123456:another-token' });
    expect(problem).toContain('must be of another bot than TELEGRAM_BOT_TOKEN');
    expect(problemsOf({ ...COMPLETE, ADMIN_BOT_TOKEN: '654321:another-token' })).toEqual([]);
  });

  test.each<[given: string, tokens: [token: string, role: string][]]>([
    ['a:0123456789abcdef', [['0123456789abcdef', 'owner']]],
    ['a:0123456789abcdef:view', [['0123456789abcdef', 'view']]],
    [
      'a:0123456789abcdef:Support,b:0123456789abcdeg:admin',
      [
        ['0123456789abcdef', 'support'],
        ['0123456789abcdeg', 'admin'],
      ],
    ],
    ['a:0123:456789abcdef:x:owner', [['0123:456789abcdef:x', 'owner']]],
    ['a:0123456789abcdef:0123', [['0123456789abcdef:0123', 'owner']]],
    [
      'a:0123456789abcdef:view,a:0123456789abcdeg:view',
      [
        ['0123456789abcdef', 'view'],
        ['0123456789abcdeg', 'view'],
      ],
    ],
  ])('API_TOKENS=%s gives each token its role, and all that have none are owners', (given, tokens) => {
    const { API_TOKENS: read } = parseConfig({ ...COMPLETE, API_TOKENS: given });
    expect(read.map(({ token, role }) => [token, role])).toEqual(tokens);
  });

  test.each<[given: string, problem: string]>([
    ['a:0123456789abcdef:amdin', 'has no known role for a: it must be one of view, support, admin, owner'],
    ['a:0123456789abcdef:viewer', 'has no known role for a'],
    ['a:0123456789:view', 'each token at least 16 characters'],
    ['a:0123456789abcde', 'each token at least 16 characters'],
    ['a:0123456789abcdef:view,a:0123456789abcdeg', 'gives a two roles, view and owner; use two names'],
  ])('API_TOKENS=%s is refused with what to write', (given, problem) => {
    expect(() => parseConfig({ ...COMPLETE, API_TOKENS: given })).toThrow(problem);
  });

  test.each(['true', 'all', '10.0.0.0/40', '99', '0.0.0.0/0'])(
    'TRUST_PROXY=%s is refused, because it would trust anybody',
    (given) => {
      expect(() => parseConfig({ ...COMPLETE, TRUST_PROXY: given })).toThrow('must be a number of proxies up to 10');
    },
  );

  test('is shown to tasks in part: no address of a service, no secret', () => {
    const config = parseConfig(COMPLETE);
    const seen = JSON.stringify(settingsOf(config));
    expect(settingsOf(config)).toMatchObject({ ADMIN_TELEGRAM_IDS: ADMINS, DEFAULT_LOCALE: 'ru' });
    for (const hidden of [...secretsOf(config), 'panel:3000', 'redis:6379']) expect(seen).not.toContain(hidden);
  });

  test('that is empty names every required variable at once, with an example', () => {
    const problems = problemsOf({});
    expect(problems).toHaveLength(7);
    expect(problems).toContain('REDIS_URL is required but not set, for example REDIS_URL=redis://redis:6379/0');
  });

  test('with wrong values names each variable and what is wrong, and never the value', () => {
    const problems = problemsOf({
      ...COMPLETE,
      REDIS_URL: 'hunter2-not-a-url',
      METRICS_PORT: '99999',
      LOG_LEVEL: 'loud',
      API_TOKENS: 'bot:short',
    });
    expect(problems.map((line) => line.split(' ')[0])).toEqual([
      'REDIS_URL',
      'LOG_LEVEL',
      'METRICS_PORT',
      'API_TOKENS',
    ]);
    expect(problems.join()).not.toContain('hunter2');
    expect(problems.join()).not.toContain('bot:short');
  });

  test.each([
    ['SMTP_URL', 'smtp://mailer:p%ss@mail', /write it as %25$/],
    ['SMTP_URL_RESEND', 'https://mail', /must be a URL starting with smtp:\/\/ or smtps:\/\/$/],
    ['EMAIL_FROM', 'CyberVPN', /must be an address, or Name <address>$/],
    ['EMAIL_FROM', 'a@vpn.example, b@vpn.example', /must be an address, or Name <address>$/],
    ['SMTP_ALLOW_CLEARTEXT', 'perhaps', /^SMTP_ALLOW_CLEARTEXT /],
  ])('with %s=%s says what to write', (name, value, problem) => {
    expect(problemsOf({ ...COMPLETE, [name]: value })).toEqual([expect.stringMatching(problem)]);
  });

  test('treats an empty value as not set, except for the stream name that it turns off', () => {
    const config = parseConfig({ ...COMPLETE, WORKER_CONCURRENCY: '', BACKEND_API_URL: ' ', TASKIQ_STREAM: '' });
    expect(config.WORKER_CONCURRENCY).toBe(2);
    expect(config.BACKEND_API_URL).toBeUndefined();
    expect(config.TASKIQ_STREAM).toBe('');
  });

  test('with certificates that cannot be read names the files', () => {
    expect(
      problemsOf({
        ...COMPLETE,
        REDIS_URL: 'rediss://r/0?ssl_ca_certs=/nowhere/redis-ca.pem',
        DATABASE_URL: 'postgresql://u:secret@db/x?sslmode=verify-full&sslrootcert=/nowhere/pg-ca.pem',
      }),
    ).toEqual([
      expect.stringMatching(
        /^DATABASE_URL is not valid: names the file \/nowhere\/pg-ca\.pem, which cannot be read here/,
      ),
      expect.stringMatching(
        /^REDIS_URL is not valid: names the file \/nowhere\/redis-ca\.pem, which cannot be read here/,
      ),
    ]);
  });

  test('with a stream name whose braces a cluster would read in its own way is refused', () => {
    expect(problemsOf({ ...COMPLETE, TASKIQ_STREAM: '{a}{b}' })[0]).toMatch(
      /^TASKIQ_STREAM is not valid: may have braces only once/,
    );
    expect(parseConfig({ ...COMPLETE, TASKIQ_STREAM: '{py}:taskiq' }).TASKIQ_STREAM).toBe('{py}:taskiq');
  });

  test.each([
    ['20 %', 0.2],
    ['20%', 0.2],
    ['0.35', 0.35],
    ['100%', 1],
  ])('reads the share %s as %d', (text, value) => {
    expect(parseConfig({ ...COMPLETE, SAFETY_MAX_SHARE: text }).SAFETY_MAX_SHARE).toBeCloseTo(value);
  });

  test.each(['120%', '0', 'half', '-1'])('refuses the share %s', (text) => {
    expect(problemsOf({ ...COMPLETE, SAFETY_MAX_SHARE: text })[0]).toMatch(/^SAFETY_MAX_SHARE is not valid/);
  });

  test('reads API tokens, flags, lists and schedules', () => {
    const config = parseConfig({
      ...COMPLETE,
      API_TOKENS: 'alice:0123456789abcdef:x, bot:fedcba9876543210',
      AUDIT_ARCHIVE: 'true',
      DISABLED_TASKS: 'a, b,',
      SCHEDULE_CHECK_SERVER_HEALTH: ' 30s ',
    });
    expect(config.API_TOKENS).toEqual([
      { name: 'alice', token: '0123456789abcdef:x', role: 'owner' },
      { name: 'bot', token: 'fedcba9876543210', role: 'owner' },
    ]);
    expect(config.AUDIT_ARCHIVE).toBe(true);
    expect(config.DISABLED_TASKS).toEqual(['a', 'b']);
    expect(config.schedules.get('check_server_health')).toBe('30s');
  });

  test('is described for the documentation: every variable with its default and meaning', () => {
    const described = describeConfig();
    expect(described.filter(({ required }) => required).map(({ name }) => name)).toEqual(Object.keys(COMPLETE));
    expect(described.every(({ meaning }) => meaning.length > 0)).toBe(true);
  });

  test('reads headers for the collector of traces as OpenTelemetry writes them', () => {
    const read = (headers: string) =>
      parseConfig({ ...COMPLETE, OTEL_EXPORTER_OTLP_HEADERS: headers }).OTEL_EXPORTER_OTLP_HEADERS;
    expect(read('Authorization=Basic%20YTpi%3D, x-tenant = vpn,empty=')).toEqual({
      Authorization: 'Basic YTpi=',
      'x-tenant': 'vpn',
      empty: '',
    });
    for (const wrong of ['token', '=value', 'a=%E0%A4%A', 'bad name=1'])
      expect(problemsOf({ ...COMPLETE, OTEL_EXPORTER_OTLP_HEADERS: wrong })).toEqual([
        'OTEL_EXPORTER_OTLP_HEADERS is not valid: must be name=value pairs, values percent-encoded',
      ]);
  });

  test('takes a DSN of Sentry, and no other address', () => {
    for (const dsn of ['https://0ab1@o1.ingest.sentry.io/7', 'http://key@sentry.lan:9000/prefix/12'])
      expect(parseConfig({ ...COMPLETE, SENTRY_DSN: dsn }).SENTRY_DSN).toBe(dsn);
    for (const wrong of [
      'https://sentry.io/7',
      'https://key@sentry.io/',
      'https://key@sentry.io/team',
      'key@sentry.io/7',
    ])
      expect(problemsOf({ ...COMPLETE, SENTRY_DSN: wrong })[0]).toMatch(/^SENTRY_DSN is not valid: /);
  });

  test('with half of the S3 variables names the missing half', () => {
    const missing = (env: Record<string, string>) =>
      problemsOf({ ...COMPLETE, ...env }).map((line) => line.split(',')[0]);
    expect(missing({ S3_ENDPOINT: 'http://minio:9000' })).toEqual(['S3_BUCKET is required but not set']);
    expect(missing({ S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'id' })).toEqual([
      'S3_SECRET_ACCESS_KEY is required but not set',
    ]);
    expect(missing({ S3_BUCKET: 'b', S3_SECRET_ACCESS_KEY: 'key' })).toEqual([
      'S3_ACCESS_KEY_ID is required but not set',
    ]);
    expect(missing({ S3_BUCKET: 'b' })).toEqual([]);
  });

  test.each(['/', 'exports', '../exports'])('refuses EXPORT_DIR=%s: clean-up removes files there', (EXPORT_DIR) => {
    expect(problemsOf({ ...COMPLETE, EXPORT_DIR })).toEqual([
      'EXPORT_DIR is not valid: must be an absolute path of a folder',
    ]);
  });
});

describe('what must never be printed', () => {
  const secretsIn = (env: Record<string, string>) => {
    const plain = secretsOf(parseConfig(COMPLETE));
    return secretsOf(parseConfig({ ...COMPLETE, ...env })).filter((secret) => !plain.includes(secret));
  };

  test('is every token and password of a complete set', () => {
    expect(secretsOf(parseConfig(COMPLETE))).toEqual(['pass', 'panel-token', '123456:abcdefgh', '1:crypto']);
  });

  test('is each token of the API, and no name', () => {
    expect(secretsIn({ API_TOKENS: 'alice:0123456789abcdef:x, bot:fedcba9876543210' })).toEqual([
      '0123456789abcdef:x',
      'fedcba9876543210',
    ]);
  });

  test('is the password of each connection, as written and as meant', () => {
    expect(secretsIn({ DATABASE_URL: 'postgresql+asyncpg://worker:a%2Fb@db/x?password=other' })).toEqual([
      'a%2Fb',
      'a/b',
      'other',
    ]);
    expect(secretsIn({ REDIS_URL: 'redis+sentinel://u:one%21@s/m?sentinel_password=two%21' })).toEqual([
      'one%21',
      'one!',
      'two%21',
      'two!',
    ]);
    expect(secretsIn({ SMTP_URL: 'smtp://mailer:p%40ss@mail', SMTP_URL_RESEND: 'smtps://mailer:second@mail' })).toEqual(
      ['p%40ss', 'p@ss', 'second'],
    );
  });

  test.each([
    'REMNAWAVE_URL',
    'TELEGRAM_API_URL',
    'CRYPTOBOT_API_URL',
    'BACKEND_API_URL',
    'MAGIC_LINK_BASE_URL',
    'PUBLIC_URL',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
  ])('is what an address carries: %s', (name) => {
    expect(secretsIn({ [name]: 'https://user:word@host/path/' })).toEqual(['word']);
    expect(secretsIn({ [name]: 'https://a-key@host' })).toEqual(['a-key']);
    expect(secretsIn({ [name]: 'https://host/path' })).toEqual([]);
  });

  test('is what opens the metrics, the bucket, the collector and the tracker', () => {
    expect(secretsIn({ METRICS_BASIC_AUTH: 'prometheus:let:in' })).toEqual([
      'prometheus:let:in',
      'let:in',
      'cHJvbWV0aGV1czpsZXQ6aW4=',
    ]);
    const s3 = { S3_BUCKET: 'b', S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 's3-key' };
    expect(secretsIn(s3)).toEqual(['s3-key']);
    expect(secretsIn({ OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20abc,x-key=def' })).toEqual([
      'Bearer abc',
      'abc',
      'def',
    ]);
    expect(secretsIn({ SENTRY_DSN: 'https://0ab1@sentry.example.com/7' })).toEqual(['0ab1']);
  });
});

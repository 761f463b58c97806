import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type OtlpSandbox, startOtlpSandbox } from '../sandbox/otlp/server.ts';
import type { ReceivedSpan } from '../sandbox/otlp/spans.ts';
import { nameAndOutcome, traceTree } from '../sandbox/otlp/tree.ts';
import { type ReceivedEvent, type SentrySandbox, startSentrySandbox } from '../sandbox/sentry/server.ts';
import { NO_LIMITS } from '../sandbox/telegram/limits.ts';
import { seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { queueMany } from '../src/testing/world/notifications.ts';
import type { LogLine, RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

const API_TOKEN = randomBytes(16).toString('hex');
const CHAT = 777_000_123;
const TEXT = 'words that only their reader may see';
const NOTICE = { telegram_id: CHAT, message: TEXT };

const inNode = (script: string): string => `--import=data:text/javascript,${encodeURIComponent(script)}`;

/** Prints to standard error every module of a telemetry package that any process loads. */
const TELL_LOADS = inNode(`
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      if (/node_modules.@(sentry|opentelemetry.(?!api))/.test(url)) process.stderr.write('loaded ' + url + '\\n');
      return next(url, context);
    },
  });
`);
const loads = (output: readonly string[]): string[] => output.filter((line) => line.startsWith('loaded '));

/** Throws an uncaught error on a signal. Its message may be a customer's text. */
const CRASH_AT_SIGNAL = inNode(`process.on('SIGUSR2', () => { throw new RangeError('${TEXT}'); });`);

const newTrace = (): string => randomBytes(16).toString('hex');
const traceparent = (traceId: string): string => `00-${traceId}-${randomBytes(8).toString('hex')}-01`;

let world: World;
let collector: OtlpSandbox;
beforeAll(async () => {
  collector = await startOtlpSandbox();
  world = await World.start({
    telegramLimits: NO_LIMITS,
    env: { API_TOKENS: `backend:${API_TOKEN}`, SCHEDULE_CHECK_EXTERNAL_SERVICES: '1s' },
  });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await collector.stop();
});

/** Sends a task as a backend with OpenTelemetry does: all labels are text. */
async function kiq(taskName: string, kwargs: object, labels: object, taskId: string = randomUUID()): Promise<string> {
  const labels_types = Object.fromEntries(Object.keys(labels).map((name) => [name, 3]));
  const message = { task_id: taskId, task_name: taskName, labels, labels_types, args: [], kwargs };
  await world.redisClient.xadd('taskiq', '*', 'data', JSON.stringify(message));
  return taskId;
}

describe('traces', () => {
  const tree = (spans: readonly ReceivedSpan[]): string => traceTree(spans, nameAndOutcome);
  const delivered = (): number => world.telegram.messages({ chatId: CHAT }).length;
  const post = async (worker: RoleProcess, traceId: string): Promise<void> => {
    const response = await fetch(`${worker.httpUrl}/api/v1/tasks/send_notification`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${API_TOKEN}`,
        'content-type': 'application/json',
        traceparent: traceparent(traceId),
      },
      body: JSON.stringify(NOTICE),
    });
    expect(response.status).toBe(202);
  };
  const linesOf = (worker: RoleProcess, traceId: string): LogLine[] =>
    worker.log.filter((line) => line.trace_id === traceId);

  test('of a TaskIQ message, an HTTP request, a schedule and a command lead from the producer to the outside call', {
    timeout: seconds(180),
  }, async () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic%20x%3D' };
    const worker = await world.startWorker({ ...on, WORKER_CONCURRENCY: '2' });
    const scheduler = await world.startScheduler(on);
    const [byTaskiq, byHttp] = [newTrace(), newTrace()];
    const taskId = await kiq('send_notification', NOTICE, { traceparent: traceparent(byTaskiq) });
    await post(worker, byHttp);
    const payload = JSON.stringify(NOTICE);
    const command = await world.command(['dispatch', 'send_notification', '--payload', payload, '--json'], on);
    expect(command.code).toBe(0);
    await until('three messages arrive', () => delivered() === 3);
    await worker.untilLogged(({ task }) => task === 'check_external_services');
    // Spans that are not sent yet are sent at the end.
    await Promise.all([worker.stop(), scheduler.stop()]);

    expect(collector.refusals()).toEqual([]);
    expect(collector.headers().authorization).toBe('Basic x=');
    const delivery = ['enqueue send_notification', '  run send_notification: success', '    telegram sendMessage'].join(
      '\n',
    );
    expect(tree(collector.spans(byTaskiq))).toBe(delivery);
    expect(tree(collector.spans(byHttp))).toBe(delivery);

    const { job_id: jobId } = JSON.parse(command.stdout) as { job_id: string };
    const byCommand = collector.spans().find(({ attributes }) => attributes['messaging.message.id'] === jobId)!;
    expect(tree(collector.spans(byCommand.traceId))).toBe(delivery);
    expect(byCommand.resource['cybervpn.role']).toBe('cli');

    const roots = collector.spans().filter(({ name }) => name === 'enqueue check_external_services');
    const scheduled = roots.map(({ traceId }) => tree(collector.spans(traceId)));
    expect(scheduled.some((text) => /^enqueue check_external_services\n {2}run .*: success\n/.test(text))).toBe(true);
    expect(scheduled.join('\n')).toMatch(/\n {4}telegram getMe\n/);
    expect(scheduled.join('\n')).toMatch(/\n {4}remnawave \S+: error/);

    const run = collector.spans(byTaskiq).find(({ kind }) => kind === 'consumer')!;
    expect(run.attributes).toMatchObject({
      'cybervpn.correlation_id': taskId,
      'messaging.destination.name': 'notifications',
    });
    expect(linesOf(worker, byTaskiq)).toMatchObject([
      { msg: 'task done', correlation_id: taskId, span_id: run.spanId },
    ]);
  });

  test('hold no message, no chat, no address and no token', () => {
    const all = collector.bodies().join('\n');
    expect(all).toContain('send_notification');
    const secrets = [world.telegram.token, world.cryptopay.token, API_TOKEN, world.redis.url, world.databaseUrl];
    for (const planted of [TEXT, String(CHAT), ...secrets, world.env.REMNAWAVE_API_TOKEN!, world.telegram.url])
      expect(all).not.toContain(planted);
  });

  test('wait for no collector: with one that hangs, all messages go out and the worker ends in time', async () => {
    await using hanging = await startOtlpSandbox();
    hanging.faults({ kind: 'hang' });
    const before = world.telegram.stats().total;
    await using worker = await world.startWorker({
      OTEL_EXPORTER_OTLP_ENDPOINT: hanging.url,
      TELEGRAM_RATE_PER_SECOND: '1000',
    });
    await queueMany(world.pool, { count: 200, firstChat: 5_000_000 });
    await world.dispatch('process_notification_queue');
    await until('all are sent', () => world.telegram.stats().total - before >= 200, seconds(60));
    const stoppedAt = performance.now();
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(seconds(10));
    expect(worker.log.map(({ msg }) => msg)).toContain('traces do not reach their collector, spans are dropped');
  });

  test('and error reports cost nothing while they are off: not a module of theirs is loaded', async () => {
    const before = delivered();
    const worker = await world.startWorker({ NODE_OPTIONS: TELL_LOADS });
    await post(worker, newTrace());
    await kiq('send_notification', NOTICE, { traceparent: traceparent(newTrace()) });
    await until('both messages arrive', () => delivered() === before + 2);
    await worker.stop();
    expect(loads(worker.output)).toEqual([]);
    expect(worker.log.filter(({ trace_id: id }) => id !== undefined)).toEqual([]);
  });
});

describe('error reports', () => {
  const OTP = { email: 'olga.petrova@example.com', otp_code: '918273' };
  let tracker: SentrySandbox;
  beforeAll(async () => {
    tracker = await startSentrySandbox();
  });
  afterAll(() => tracker.stop());

  const reported = (what: string) =>
    until(`${what} is reported`, () => tracker.events().find(({ tags }) => tags.what === what));

  test('tell of tasks out of retries, of processes that were killed and of crashes', {
    timeout: seconds(180),
  }, async () => {
    const worker = await world.startWorker({
      SENTRY_DSN: tracker.dsn,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      WORKER_CONCURRENCY: '2',
      NODE_OPTIONS: `${TELL_LOADS} ${CRASH_AT_SIGNAL}`,
    });
    const taskId = await kiq('send_otp_email', OTP, {});
    const byTask: ReceivedEvent = await reported('send_otp_email');
    expect(byTask).toMatchObject({
      level: 'error',
      fingerprint: ['send_otp_email', 'mail_not_configured'],
      extra: { job_id: taskId, correlation_id: taskId, attempt: 1 },
      exception: { values: [{ type: 'PermanentError', value: 'mail_not_configured' }] },
    });
    const done = await worker.untilLogged(({ job_id: jobId }) => jobId === taskId);
    expect(byTask.contexts!.trace.trace_id).toBe(done.trace_id);
    expect(byTask.exception.values[0]!.stacktrace!.frames.at(-1)!.filename).toBe('src/clients/mail/mailer.ts');

    world.telegram.faults({ kind: 'reset', path: 'sendMessage' });
    await kiq('send_notification', NOTICE, { retry_policy: 'bulk' });
    expect(await reported('send_notification')).toMatchObject({ tags: { code: 'telegram_unavailable' } });
    world.telegram.faults();

    expect(done.pid).not.toBe(worker.pid);
    process.kill(done.pid, 'SIGKILL');
    expect(await reported('worker process died')).toMatchObject({ level: 'fatal', tags: { code: 'SIGKILL' } });

    worker.signal('SIGUSR2');
    expect(await worker.ended).toEqual({ code: 1, signal: null });
    expect(await reported('crash')).toMatchObject({ level: 'fatal', exception: { values: [{ type: 'RangeError' }] } });
    expect(worker.log.map(({ msg }) => msg)).toContain('nobody caught this error, the process ends');
    for (const name of ['@sentry', '@opentelemetry'])
      expect(loads(worker.output).some((line) => line.includes(name))).toBe(true);
    expect(tracker.refusals()).toEqual([]);
  });

  test('hold no payload, no word of an error, no address and no token', () => {
    const all = tracker.requests().join('\n');
    expect(all).toContain('send_otp_email');
    const secrets = [world.telegram.token, API_TOKEN, world.redis.url, world.databaseUrl, world.telegram.url];
    for (const planted of [TEXT, String(CHAT), OTP.email, 'olga', OTP.otp_code, process.cwd(), ...secrets])
      expect(all).not.toContain(planted);
  });
});

import { expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../sandbox/faults.ts';
import { startSentrySandbox } from '../../sandbox/sentry/server.ts';
import { seconds } from '../lib/duration.ts';
import { PermanentError, TransientError } from '../lib/errors.ts';
import type { ErrorReport, ErrorReports, ErrorReportsOptions } from './error-reports.ts';
import { masker } from './log.ts';
import { startSentry } from './sentry.ts';
import { describeThrown } from './stack-frames.ts';

const SECRET = 'planted-secret-8731';

async function tracker() {
  const sandbox = await startSentrySandbox();
  onTestFinished(() => sandbox.stop());
  return sandbox;
}

function reportsTo(dsn: string, over: Partial<ErrorReportsOptions> = {}): ErrorReports {
  return startSentry({
    dsn,
    environment: 'staging',
    version: '1.2.3',
    role: 'worker',
    mask: masker([SECRET]),
    onLost: () => undefined,
    ...over,
  });
}

const problem = (over: Partial<ErrorReport> = {}): ErrorReport => ({
  error: new TransientError('panel_timeout', 'panel: no answer'),
  group: ['sync_user_stats', 'panel_timeout'],
  level: 'error',
  ids: { job_id: 'j-1', correlation_id: 'c-1', attempt: 4 },
  ...over,
});

/** An error as libraries throw it: its fields hold everything that they know, and its text quotes the request. */
function telltale(): Error {
  const url = `https://api.telegram.org/bot123456:${SECRET}/sendMessage`;
  const cause = Object.assign(new Error(`fetch ${url} failed\n    at ${SECRET} (/home/olga@example.com/x.ts:1:1)`), {
    code: 'ECONNRESET',
    request: { url, headers: { authorization: `Bearer ${SECRET}` }, body: { text: 'Dear Olga, +7 999 123-45-67' } },
  });
  return new PermanentError('telegram_refused', `Dear Olga, your code is ${SECRET}, sent to olga@example.com`, {
    cause,
  });
}

test('a report says task, code, place and ids, and is grouped by task and code', async () => {
  const sandbox = await tracker();
  const reports = reportsTo(sandbox.dsn);
  const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' };
  reports.report(problem({ error: telltale(), ids: { ...problem().ids, ...trace } }));
  await reports[Symbol.asyncDispose]();

  expect(sandbox.refusals()).toEqual([]);
  const [event] = sandbox.events();
  expect(event).toMatchObject({
    level: 'error',
    environment: 'staging',
    release: 'cybervpn-task-worker@1.2.3',
    transaction: 'sync_user_stats',
    fingerprint: ['sync_user_stats', 'panel_timeout'],
    tags: { role: 'worker', what: 'sync_user_stats', code: 'panel_timeout' },
    extra: { job_id: 'j-1', correlation_id: 'c-1', attempt: 4 },
    contexts: { trace },
    exception: {
      values: [
        { type: 'Error', value: 'ECONNRESET' },
        { type: 'PermanentError', value: 'telegram_refused' },
      ],
    },
  });
  const frames = event!.exception.values[1]!.stacktrace!.frames;
  expect(frames.at(-1)).toMatchObject({
    filename: 'src/observability/error-reports.test.ts',
    function: 'telltale',
    in_app: true,
  });
});

test('a report holds nothing of what an error says or carries', async () => {
  const sandbox = await tracker();
  const reports = reportsTo(sandbox.dsn);
  reports.report(problem({ error: telltale() }));
  reports.report(problem({ error: { token: SECRET }, group: ['thrown', SECRET], ids: { job_id: `j-${SECRET}` } }));
  reports.report(problem({ error: `text with ${SECRET}`, group: ['text', 'unknown'] }));
  await reports[Symbol.asyncDispose]();

  expect(sandbox.events()).toHaveLength(3);
  const all = sandbox.requests().join('\n');
  for (const planted of [SECRET, 'Olga', 'olga', 'example.com', '999 123', 'Bearer', 'telegram.org', process.cwd()])
    expect(all).not.toContain(planted);
});

test('of one problem that comes a thousand times one report goes out, and later one that says how many did not', async () => {
  const sandbox = await tracker();
  const reports = reportsTo(sandbox.dsn);
  for (let n = 0; n < 1_000; n += 1) reports.report(problem());
  for (let n = 0; n < 100; n += 1) reports.report(problem({ group: [`task_${n}`, 'panel_timeout'] }));
  await reports[Symbol.asyncDispose]();
  const kinds = sandbox.events().map(({ transaction }) => transaction);
  expect(kinds.filter((task) => task === 'sync_user_stats')).toHaveLength(1);
  expect(kinds.length).toBeLessThanOrEqual(20);
});

test.each<[how: string, fault: Fault | undefined]>([
  ['hangs', { kind: 'hang' }],
  ['refuses', { kind: 'error', status: 403 }],
  ['cannot', { kind: 'error', status: 503 }],
  ['has enough', { kind: 'rate_limited', retryAfterSeconds: 60 }],
  ['resets connections', { kind: 'reset' }],
  ['is down', undefined],
])('a tracker that %s holds up neither work nor end, and each lost report is counted', async (_, fault) => {
  const sandbox = await tracker();
  if (fault) sandbox.faults(fault);
  else await sandbox.stop();
  let lost = 0;
  const onLost = (_error: Error, reports: number): void => {
    lost += reports;
  };
  const reports = reportsTo(sandbox.dsn, { onLost });
  for (let n = 0; n < 200; n += 1) reports.report(problem({ group: [`task_${n}`, 'x'] }));
  const startedAt = performance.now();
  await reports[Symbol.asyncDispose]();
  expect(performance.now() - startedAt).toBeLessThan(seconds(4));
  // Of so many problems in a minute, twenty are reported.
  expect(lost).toBe(20);
});

test('a tracker that says 429 is left alone until its time', async () => {
  const sandbox = await tracker();
  sandbox.faults({ kind: 'rate_limited', retryAfterSeconds: 60 });
  const reports = reportsTo(sandbox.dsn);
  reports.report(problem());
  await reports.flush();
  reports.report(problem({ group: ['another', 'code'] }));
  await reports[Symbol.asyncDispose]();
  expect(sandbox.requests()).toHaveLength(1);
});

test('a line of a message is not taken for a place in the code', () => {
  const error = new Error('first\n    at olga (/home/olga/secret.ts:1:1)\nlast');
  const places = JSON.stringify(describeThrown(error, ['task', 'code']));
  expect(places).not.toContain('olga');
  expect(places).toContain('error-reports.test.ts');
  error.message = 'changed afterwards';
  expect(describeThrown(error, ['task', 'code'])).toEqual([{ type: 'Error', value: 'Error' }]);
});

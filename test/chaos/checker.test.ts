import { expect, test } from 'vitest';
import { days, minutes, seconds } from '../../src/lib/duration.ts';
import { serviceDown, WATCHED_SERVICES } from '../../src/messages/monitoring.ts';
import type { Evidence, JobEvidence, MailEvidence, PaymentEvidence } from './evidence.ts';
import { violationsIn } from './invariants/all.ts';
import { Asked, keyOf } from './load/asked.ts';
import { planOf } from './plan.ts';
import { failureReport } from './report.ts';
import type { Event } from './timeline.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (second: number): number => START + seconds(second);

/** A run without faults: one message of each kind, one payment, one bulk operation, one export, one message of a producer. */
function goodEvidence() {
  const asked = new Asked();
  asked.messages.push(
    { kind: 'row', key: keyOf(1, 'row'), atMs: at(1) },
    { kind: 'job', key: keyOf(2, 'job'), atMs: at(2) },
    { kind: 'mail', key: 'reader@example.com', atMs: at(3), jobId: 'm' },
    { kind: 'row', key: keyOf(9, 'refused'), atMs: at(4), refused: true },
  );
  asked.customers.push({ id: 'c', username: 'payer', telegramId: 7, expireAtMs: at(0) + days(10) });
  asked.payments.push({ id: 'p', invoiceId: 1, customer: 'payer', days: 30, mood: 'pays', actedAtMs: at(5) });
  asked.bulk.push({ jobId: 'b', operation: 'disable', users: ['bulk'], ids: [5], atMs: at(6) });
  asked.exports.push({ jobId: 'e', atMs: at(7) });
  asked.taskiq.push({ taskId: 't', atMs: at(8), isPoison: false });
  asked.expiring.push({ username: 'soon', telegramId: 8 });
  asked.broadcasts.push({ id: 'd', atMs: at(1), keys: [keyOf(1, 'row')], wish: 'done' });
  asked.dryRuns.push({ jobId: 'y', task: 'execute_bulk_broadcast', atMs: at(9), wouldTouch: 20 });
  asked.ofNextVersion.push({ jobId: 'v', atMs: at(9) });
  const done = (result: JobEvidence['result']): JobEvidence => ({ state: 'completed', result, error: undefined });
  const payment: PaymentEvidence = {
    id: 'p',
    status: 'completed',
    activation: 'done',
    basisMs: at(0) + days(10),
    targetMs: at(0) + days(40),
    isMismatched: false,
    completions: 1,
    confirmations: 1,
  };
  const process = { name: 'worker-1', pid: 1, rssMib: 120, databaseConnections: 2, redisConnections: 20 };
  const runs = ['monitor_queue_depth', 'update_realtime_metrics', 'sync_user_stats', 'verify_pending_payments'].map(
    (task) => ({
      ...{ task, jobId: task, ok: true, pid: 1 },
      fromMs: at(99),
      toMs: at(100),
    }),
  );
  return {
    startedAtMs: START,
    calmAtMs: at(60),
    endedAtMs: at(101),
    events: [{ fromMs: at(30), toMs: at(31), kind: 'kill', what: 'SIGKILL of worker-1', slot: 'worker-1' }] as Event[],
    asked,
    deliveries: new Map([
      [keyOf(1, 'row'), [at(1.5)]],
      [keyOf(2, 'job'), [at(2.5)]],
      ['reader@example.com', [at(3.5)]],
    ]),
    told: [
      {
        atMs: at(8),
        text: 'ℹ️ INFO Bulk operation is done: disable\n\n✅ Succeeded: 1 of 1, failed: 0\nTook 1 s. Asked for by: test\nJob: b',
      },
    ] as { atMs: number; text: string }[],
    broadcasts: new Map([['d', 'done']]),
    mailsMissing: new Map<string, MailEvidence>(),
    rowsPastDue: [] as Evidence['rowsPastDue'],
    rowsFailed: [{ key: keyOf(9, 'refused'), error: 'blocked' }],
    payments: new Map([['p', payment]]),
    panelUsers: new Map([
      ['payer', { status: 'ACTIVE', expireAtMs: at(0) + days(40), usedBytes: 0, disables: 0, resets: 0 }],
      ['bulk', { status: 'DISABLED', expireAtMs: at(0) + days(90), usedBytes: 0, disables: 1, resets: 0 }],
    ]),
    contractViolations: [] as string[],
    reminders: new Map([[8, 1]]),
    bulk: new Map([['b', { state: 'completed', result: {}, error: undefined }]]),
    exports: new Map([
      [
        'e',
        { state: 'completed', result: { rows: 3 }, error: undefined, file: { rows: 3 }, notices: ['export_ready'] },
      ],
    ]) as Map<string, NonNullable<ReturnType<Evidence['exports']['get']>>>,
    dryRuns: new Map<string, JobEvidence>([['y', done({ would_touch: 20 })]]),
    ofNextVersion: new Map<string, JobEvidence>([['v', { ...done({}), state: 'delayed' }]]),
    drafts: [] as string[],
    strangeFiles: [] as string[],
    results: new Set(['t']),
    deadMessages: new Set<string>(),
    stream: { length: 1, pending: 0, consumers: 2, workers: 2 },
    jobs: [] as Evidence['jobs'],
    schedules: runs.map(({ task }) => ({
      task,
      declared: '5000 ms',
      stored: '5000 ms',
      nextMs: at(102),
      periodMs: 5_000,
    })),
    runs,
    survivors: [process],
    fresh: [process],
    openTransactions: 0,
    troubles: [] as Evidence['troubles'],
  };
}

const TRUE = 'what people are told is true:';
const ID = '74a3a435-8b0f-4663-90ce-b298bb0fd250';
const MISMATCH = '🚨 CRITICAL A paid invoice does not match its payment\n\nExpected: 10 USD';
const alert = (second: number): Evidence['told'][number] => ({
  atMs: at(second),
  text: '🚨 CRITICAL Chaos001 happens',
});
const said = (text: string): Evidence['told'][number] => ({ atMs: at(8), text });
const SENT = 'ℹ️ INFO Broadcast is done\n\nDelivered: 1 of 2, not delivered: 1\nTook 1 s. Job: d';
const ready = (rows: string, until: string): string =>
  `ℹ️ INFO Export is ready: users (csv)\n\nRows: ${rows}, size: 1 KiB\nThe file ${ID}.csv lies in x\nAvailable until ${until} UTC`;

const broken = (change: (evidence: ReturnType<typeof goodEvidence>) => void): string[] => {
  const evidence = goodEvidence();
  change(evidence);
  return violationsIn(evidence).map(({ rule, what }) => `${rule}: ${what}`);
};

test('the same seed gives the same plan, another one another', () => {
  expect(planOf(7, minutes(3))).toEqual(planOf(7, minutes(3)));
  expect(planOf(8, minutes(3)).steps).not.toEqual(planOf(7, minutes(3)).steps);
});

test('a plan of three minutes has every kind of fault, and all of them end in time', () => {
  for (const seed of [1, 2, 3]) {
    const { durationMs, steps } = planOf(seed, minutes(3));
    const kinds = new Set(steps.map(({ kind }) => kind));
    expect(kinds.size).toBe(25);
    expect(steps.every(({ atMs, forMs }) => atMs + forMs <= durationMs)).toBe(true);
  }
});

test('nothing is found where nothing is wrong', () => {
  expect(broken(() => undefined)).toEqual([]);
});

test.each(WATCHED_SERVICES)(
  'the outage of %s is told truly while it lasts, also where its message says what is not known of nodes',
  (name) => {
    const kind = {
      remnawave: 'panel',
      postgresql: 'postgres',
      redis: 'redis',
      telegram: 'telegram',
      cryptobot: 'cryptopay',
    };
    const text = serviceDown({ name, failures: 3, error: '429' }, 'en')
      .toString()
      .replaceAll(/<[^>]*>/g, '');
    const tell = ({ told }: ReturnType<typeof goodEvidence>): number => told.push(said(text));
    expect(broken(tell)).toEqual([expect.stringContaining('was well')]);
    const outage = { ...fault(kind[name], 5, 7), what: `${kind[name]}: reset` };
    expect(
      broken((evidence) => {
        tell(evidence);
        evidence.events.push(outage);
      }),
    ).toEqual([]);
  },
);

test.each<[string, (evidence: ReturnType<typeof goodEvidence>) => void]>([
  ['nothing lost: row never arrived', ({ deliveries }) => deliveries.delete(keyOf(1, 'row'))],
  ['nothing lost: mail never arrived', ({ deliveries }) => deliveries.delete('reader@example.com')],
  ['nothing lost: row given up', ({ rowsFailed }) => rowsFailed.push({ key: keyOf(1, 'row'), error: 'timeout' })],
  ['sent once: row arrived 2 times', ({ deliveries }) => deliveries.set(keyOf(1, 'row'), [at(1.5), at(40)])],
  ['no money lost: payment p (pays, payer): is pending', ({ payments }) => (payments.get('p')!.status = 'pending')],
  ['no money lost: payment p (pays, payer): 2 completions', ({ payments }) => (payments.get('p')!.completions = 2)],
  ['no money lost: payment p (expires, payer)', ({ asked }) => (asked.payments[0]!.mood = 'expires')],
  [
    'one extension per payment: payer paid 1 times and is off by 30.00 days',
    ({ panelUsers }) => (panelUsers.get('payer')!.expireAtMs += days(30)),
  ],
  ['nobody disabled wrongly: payer', ({ panelUsers }) => (panelUsers.get('payer')!.disables = 1)],
  ['bulk operations end: bulk disable b 1 of 1 users', ({ panelUsers }) => (panelUsers.get('bulk')!.status = 'ACTIVE')],
  ['nothing lost: bulk disable b is gone', ({ bulk }) => bulk.delete('b')],
  ['reminded once: soon has 2', ({ reminders }) => reminders.set(8, 2)],
  ['nothing stuck: row r', (evidence) => (evidence.rowsPastDue = [{ id: 'r', dueMs: at(50) }])],
  [
    'nothing stuck: job j (send_notification) is still active',
    (evidence) => (evidence.jobs = [{ id: 'j', queue: 'notifications', state: 'active', task: 'send_notification' }]),
  ],
  ['nothing stuck: 2 entries of the stream', ({ stream }) => (stream.pending = 2)],
  [
    'no orphan export: export e: its file has 3 rows, its result 4',
    ({ exports }) => (exports.get('e')!.result = { rows: 4 }),
  ],
  ['no orphan export: export e: completed without', ({ exports }) => (exports.get('e')!.file = undefined)],
  ['no orphan export: a half-written file', ({ drafts }) => drafts.push('x')],
  ['nothing lost: TaskIQ message t has no result', ({ results }) => results.delete('t')],
  [
    'every schedule as declared: monitor_queue_depth is missing',
    ({ schedules }) => (schedules[0]!.stored = undefined as never),
  ],
  [
    'every schedule as declared: monitor_queue_depth next runs only',
    ({ schedules }) => (schedules[0]!.nextMs = at(7200)),
  ],
  [
    'every schedule as declared: sync_user_stats ran twice at the same time',
    ({ runs }) => runs.push({ ...runs[2]!, jobId: 'other' }),
  ],
  [
    'memory and connections back to normal: worker-1 uses',
    (evidence) => (evidence.survivors = [{ ...evidence.fresh[0]!, rssMib: 400 }]),
  ],
  [
    'processes end when they are told to',
    (evidence) => (evidence.troubles = [{ atMs: at(9), what: 'worker-1 ended' }]),
  ],
  ['each decision carried out: broadcast d is sending', ({ broadcasts }) => broadcasts.set('d', 'sending')],
  [
    'a dry run only tells: somebody got the message of a dry run: 60000001 dry run',
    ({ deliveries }) => deliveries.set(keyOf(60_000_001, 'dry run'), [at(9)]),
  ],
  [
    'a dry run only tells: the one of execute_bulk_broadcast names 19, not 20',
    ({ dryRuns }) => dryRuns.set('y', { ...dryRuns.get('y')!, result: { would_touch: 19 } }),
  ],
  [
    'each decision carried out: before anybody let it go: 72000001 held 1',
    ({ asked, deliveries }) => {
      asked.letGoAtMs = at(20);
      deliveries.set('72000001 held 1', [at(19)]);
    },
  ],
  [
    'each decision carried out: the traffic of month_1 was reset',
    ({ panelUsers }) => panelUsers.set('month_1', { ...panelUsers.get('bulk')!, usedBytes: 0 }),
  ],
  ['what people are told is true: Chaos001 was told 2 times', ({ told }) => told.push(alert(8), alert(40))],
  [
    'what people are told is true: Chaos001 was told to who had acknowledged it',
    ({ asked, told }) => {
      asked.acknowledged.push({ alert: 'Chaos001', atMs: at(8) });
      told.push(alert(99));
    },
  ],
  ['a dry run only tells: the one of execute_bulk_broadcast is missing', ({ dryRuns }) => dryRuns.delete('y')],
  [
    'nothing lost: job v of the next version is failed: unknown',
    ({ ofNextVersion }) => ofNextVersion.set('v', { state: 'failed', result: undefined, error: 'unknown' }),
  ],
  ['nothing lost: job v of the next version is missing', ({ ofNextVersion }) => ofNextVersion.delete('v')],
  ['nobody else speaks as the panel: 1 forged events were taken', ({ asked }) => (asked.forgedTaken = 1)],
  [`${TRUE} it was asked for 2 s before`, ({ told }) => told.push(said(told[0]!.text.replace('1 s', '10 min 5 s')))],
  [`${TRUE} it had 1 users`, ({ told }) => told.push(said(told[0]!.text.replace('1 of 1', '2 of 2')))],
  [`${TRUE} 1 had arrived`, ({ told }) => told.push(said(SENT.replace('1 of 2', '2 of 2')))],
  [`${TRUE} it was asked for later`, ({ told }) => told.push(said(SENT.replace('1 s', '1 min')))],
  [
    `${TRUE} the file has 3 rows`,
    ({ exports, told }) => {
      exports.set(ID, exports.get('e')!);
      told.push(said(ready('4', '2026-01-02 00:00')));
    },
  ],
  [`${TRUE} it has 25.00 hours left`, ({ told }) => told.push(said(ready('3', '2026-01-02 01:00')))],
  [`${TRUE} payment ${ID} matches`, ({ told }) => told.push(said(`${MISMATCH}\nPayment: ${ID}`))],
  [
    `${TRUE} 0 of 1 had expired`,
    ({ told }) => told.push(said('Payments fail\n\n1 of 1 payments made in the last 1 d')),
  ],
  [`${TRUE} Telegram was well`, ({ told }) => told.push(said('🚨 CRITICAL Telegram does not answer\n\nFailed'))],
  [`${TRUE} no node was away`, ({ told }) => told.push(said('🚨 CRITICAL Node Berlin is offline'))],
])('it is found that: %s', (sentence, plant) => {
  expect(broken(plant).join('\n')).toContain(sentence);
});

test('an alert is told again where Redis was emptied and the message says so, or a kill left its delivery in doubt', () => {
  const again = '🔁 Told again: Redis was emptied, and who has acknowledged it is not known any more.';
  const told = (...messages: Evidence['told']) => broken((evidence) => evidence.told.push(...messages));
  expect(told(alert(8), { ...alert(95), text: `${alert(95).text}\n\n${again}` })).toEqual([]);
  expect(told(alert(29.5), alert(40))).toEqual([]);
});

test('a message in flight at a kill may arrive twice, and a job that only an emptied Redis knew may be lost', () => {
  expect(broken(({ deliveries }) => deliveries.set(keyOf(1, 'row'), [at(29.5), at(50)]))).toEqual([]);
  const flush = { fromMs: at(20), toMs: at(20), kind: 'redis_flush', what: 'redis: flush' };
  const lost = (key: string) =>
    broken((evidence) => {
      evidence.events.push(flush);
      evidence.deliveries.delete(key);
    });
  expect(lost(keyOf(2, 'job'))).toEqual([]);
  expect(lost(keyOf(1, 'row'))).toHaveLength(1);
});

test('a worker that drains may leave no record of a row only where PostgreSQL goes away before it ends and Redis is emptied later', () => {
  const again = (...faults: Event[]) =>
    broken(({ deliveries, events }) => {
      deliveries.set(keyOf(1, 'row'), [at(60), at(90)]);
      events.push(...faults);
    });
  const [term, pull, flush] = [fault('term', 51, 68), fault('postgres_pull', 61, 65), fault('redis_flush', 80, 80)];
  expect(again(term, pull, flush)).toEqual([]);
  expect(again(term, pull)).toHaveLength(1);
  expect(again(term, flush)).toHaveLength(1);
  expect(again(pull, flush)).toHaveLength(1);
  expect(again(term, fault('postgres_pull', 64, 66), flush)).toHaveLength(1);
});

test('a mark that a Redis out of reach holds up holds up the record, too: PostgreSQL may go away before it is made', () => {
  const again = (...faults: Event[]) =>
    broken(({ deliveries, events }) => {
      deliveries.set(keyOf(1, 'row'), [at(36), at(95)]);
      events.push(...faults);
    });
  const [pull, silence] = [fault('redis_pull', 36, 38.5), fault('postgres_silence', 40, 73)];
  const [restart, flush] = [fault('settings', 52, 60), fault('redis_flush', 90, 90)];
  expect(again(pull, silence, restart, flush)).toEqual([]);
  expect(again(silence, restart, flush)).toHaveLength(1);
  expect(again(pull, silence, restart)).toHaveLength(1);
});

test('a worker that is killed leaves no record of a row that it sent while PostgreSQL was away, where Redis was emptied since', () => {
  const again = (...faults: Event[]) =>
    broken(({ deliveries, events }) => {
      deliveries.set(keyOf(1, 'row'), [at(60), at(90)]);
      events.push(...faults);
    });
  const [silence, kill] = [fault('postgres_silence', 59.5, 85), fault('kill', 84, 84)];
  expect(again(silence, kill, fault('redis_flush', 76, 76))).toEqual([]);
  expect(again(silence, kill)).toHaveLength(1);
  expect(again(silence, kill, fault('redis_flush', 50, 50))).toHaveLength(1);
  expect(again(silence, fault('redis_flush', 76, 76))).toHaveLength(1);
});

/** A mail that did not arrive, and whose job ended as a run does that found it in hand. */
const missingMail =
  (mail: Partial<MailEvidence>, ...more: Event[]) =>
  (evidence: ReturnType<typeof goodEvidence>): void => {
    const error = 'mail: a run that was handing this message over ended without an answer. It may have been delivered';
    evidence.mailsMissing.set('m', { state: 'failed', result: undefined, error, claimedAtMs: at(29.5), ...mail });
    evidence.deliveries.delete('reader@example.com');
    evidence.events.push(...more);
  };
const LOST = expect.stringContaining('nothing lost: mail never arrived: reader@example.com; its job is ');
const fault = (kind: string, from: number, to: number): Event => ({ kind, fromMs: at(from), toMs: at(to), what: kind });

test('a mail may be missing where the worker that was handing it over was killed, and its job says so', () => {
  expect(broken(missingMail({}))).toEqual([]);
  expect(broken(missingMail({ claimedAtMs: at(20) }))).toEqual([LOST]);
  expect(broken(missingMail({ claimedAtMs: at(31) }))).toEqual([LOST]);
  expect(broken(missingMail({ claimedAtMs: undefined }))).toEqual([LOST]);
  expect(broken(missingMail({ state: 'completed' }))).toEqual([LOST]);
  expect(broken(missingMail({ error: 'mail: not sent in 3 attempts' }))).toEqual([LOST]);
});

test('a worker that drains may leave a mail in hand only where Redis is away', () => {
  const drained = { claimedAtMs: at(50) };
  expect(broken(missingMail(drained, fault('term', 51, 58)))).toEqual([LOST]);
  expect(broken(missingMail(drained, fault('redis_kill', 50, 52)))).toEqual([LOST]);
  expect(broken(missingMail(drained, fault('term', 51, 58), fault('redis_kill', 50, 52)))).toEqual([]);
});

test('a mail never arrives twice, whatever happens', () => {
  const twice = ({ deliveries }: ReturnType<typeof goodEvidence>) =>
    deliveries.set('reader@example.com', [at(29.9), at(31)]);
  expect(broken(twice).join()).toContain('sent once: mail arrived 2 times');
});

test('the report of a failure names the seed, the first broken observation and the fault before it', () => {
  const evidence = goodEvidence();
  evidence.deliveries.set(keyOf(1, 'row'), [at(35), at(50)]);
  const report = failureReport(planOf(7, minutes(3)), evidence, violationsIn(evidence)).join('\n');
  expect(report).toContain('make chaos SEED=7 MINUTES=3');
  expect(report).toContain('SIGKILL of worker-1');
  expect(report).toMatch(/35\.0s\s+FIRST BROKEN: sent once/);
});

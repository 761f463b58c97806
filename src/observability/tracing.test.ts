import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, onTestFinished, test } from 'vitest';
import type { Fault } from '../../sandbox/faults.ts';
import { startOtlpSandbox } from '../../sandbox/otlp/server.ts';
import { nameAndOutcome, traceTree } from '../../sandbox/otlp/tree.ts';
import type { ClientCall } from '../clients/policy.ts';
import { seconds } from '../lib/duration.ts';
import { parseTraceParent } from '../lib/trace-parent.ts';
import { startTracing } from './open-telemetry.ts';
import type { Tracing, TracingOptions } from './tracing.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PRODUCER = 'b7ad6b7169203331';
const job = { task: 'sweep', queue: 'sync', source: 'taskiq', correlationId: 'c-1', jobId: 'j-1' };
const sent: ClientCall = {
  service: 'telegram',
  endpoint: 'sendMessage',
  method: 'POST',
  status: '200',
  outcome: 'ok',
  seconds: 0,
};
const failed = () => ({ outcome: 'retry', isFailure: true, code: 'panel_timeout' });

async function collector() {
  const sandbox = await startOtlpSandbox();
  onTestFinished(() => sandbox.stop());
  return sandbox;
}

async function tracingTo(endpoint: string, over: Partial<TracingOptions> = {}): Promise<Tracing> {
  return startTracing({
    endpoint,
    headers: {},
    serviceName: 'worker',
    version: '1.2.3',
    role: 'worker',
    sampler: 'parentbased_always_on',
    ratio: 1,
    onLost: () => undefined,
    ...over,
  });
}

/** Adds a job in a producer's name and runs it. Returns the `traceparent` that the job carried. */
async function addAndRun(tracing: Tracing, work: () => Promise<unknown>, traceparent?: string): Promise<string> {
  let carried = '';
  await tracing.adding({ ...job, traceparent }, async (inJob) => {
    carried = inJob;
    return job.jobId;
  });
  const run = { ...job, attempt: 2, waitedMs: 12.4, traceparent: carried };
  await tracing.running(run, work, failed).catch(() => undefined);
  return carried;
}

test('a job, its run, its outside calls and the jobs it adds are one trace under the producer', async () => {
  const sandbox = await collector();
  const tracing = await tracingTo(sandbox.url);
  const child = { ...job, task: 'item', jobId: 'j-2', traceparent: undefined };
  await addAndRun(
    tracing,
    async () => {
      tracing.called(sent);
      await delay(5);
      await tracing.adding(child, async (traceparent) => {
        await tracing.running({ ...child, attempt: 1, waitedMs: 0, traceparent }, async () => undefined, failed);
        return child.jobId;
      });
      // Spans are in the order of their starts, which have milliseconds.
      await delay(5);
      tracing.called({ ...sent, service: 'remnawave', endpoint: 'users', outcome: 'timeout', status: 'none' });
      throw new Error('secret words of a user');
    },
    `00-${TRACE}-${PRODUCER}-01`,
  );
  await tracing[Symbol.asyncDispose]();

  expect(sandbox.refusals()).toEqual([]);
  expect(traceTree(sandbox.spans(TRACE), nameAndOutcome)).toBe(
    [
      'enqueue sweep',
      'run sweep: retry',
      'telegram sendMessage',
      'enqueue item',
      'run item: success',
      'remnawave users: timeout',
    ]
      .map((line, n) => `${'  '.repeat([0, 1, 2, 2, 3, 2][n]!)}${line}`)
      .join('\n'),
  );
  const [root, run] = ['enqueue sweep', 'run sweep'].map((name) => sandbox.spans().find((span) => span.name === name)!);
  expect(root).toMatchObject({ parentSpanId: PRODUCER, kind: 'producer' });
  expect(run!.kind).toBe('consumer');
  expect(run!.status.code).toBe('error');
  expect(run!.attributes).toMatchObject({
    'messaging.destination.name': 'sync',
    'cybervpn.task': 'sweep',
    'cybervpn.correlation_id': 'c-1',
    'cybervpn.attempt': 2,
    'cybervpn.waited_ms': 12,
    'error.type': 'panel_timeout',
  });
  expect(run!.resource).toMatchObject({
    'service.name': 'worker',
    'service.version': '1.2.3',
    'cybervpn.role': 'worker',
  });
  expect(sandbox.bodies().join()).not.toContain('secret words');
});

test('a run knows the number and time of its statements; a slow one is a span with its text, never with values', async () => {
  const sandbox = await collector();
  const tracing = await tracingTo(sandbox.url);
  await addAndRun(tracing, async () => {
    tracing.stated({ sql: 'select 1', ms: 2 });
    tracing.stated({ sql: 'update payments\n   set status = $1', ms: 150 });
  });
  tracing.stated({ sql: 'select 2', ms: 500 });
  await tracing[Symbol.asyncDispose]();

  const run = sandbox.spans().find(({ name }) => name === 'run sweep')!;
  expect(run.attributes).toMatchObject({ 'cybervpn.db.statements': 2, 'cybervpn.db.ms': 152 });
  const statements = sandbox.spans().filter(({ name }) => name === 'postgresql');
  expect(statements.map(({ attributes, ms }) => [attributes['db.query.text'], ms])).toEqual([
    ['update payments set status = $1', 150],
  ]);
});

test('the ids for log lines are those of the run, and there are none outside of it', async () => {
  const sandbox = await collector();
  const tracing = await tracingTo(sandbox.url);
  let ids: ReturnType<Tracing['ids']>;
  const carried = await addAndRun(tracing, async () => {
    ids = tracing.ids();
  });
  expect(tracing.ids()).toBeUndefined();
  await tracing[Symbol.asyncDispose]();
  const run = sandbox.spans().find(({ name }) => name === 'run sweep')!;
  expect(ids).toEqual({ trace_id: parseTraceParent(carried)!.traceId, span_id: run.spanId });
});

test('an endless run makes a trace that can be looked at, and says what was left out', async () => {
  const sandbox = await collector();
  const tracing = await tracingTo(sandbox.url);
  await addAndRun(tracing, async () => {
    for (let n = 0; n < 1_500; n += 1) tracing.called(sent);
    const child = await tracing.adding({ ...job, jobId: 'j-3', traceparent: undefined }, async (carried) => carried);
    expect(parseTraceParent(child)!.traceId).toBe(tracing.ids()!.trace_id);
  });
  await tracing[Symbol.asyncDispose]();
  expect(sandbox.spans().filter(({ kind }) => kind === 'client')).toHaveLength(1_000);
  expect(sandbox.spans().find(({ name }) => name === 'run sweep')!.attributes).toMatchObject({
    'cybervpn.spans_left_out': 501,
  });
});

test('a trace that its producer does not keep is not kept here; nor are others where the share is 0', async () => {
  const sandbox = await collector();
  const byParent = await tracingTo(sandbox.url, { sampler: 'parentbased_traceidratio', ratio: 0 });
  const carried = await addAndRun(byParent, async () => byParent.called(sent), `00-${TRACE}-${PRODUCER}-00`);
  await addAndRun(byParent, async () => byParent.called(sent));
  await byParent[Symbol.asyncDispose]();
  expect(sandbox.spans()).toEqual([]);
  expect(parseTraceParent(carried)).toMatchObject({ traceId: TRACE, isSampled: false });

  const keptAbove = await tracingTo(sandbox.url, { sampler: 'parentbased_traceidratio', ratio: 0 });
  await addAndRun(keptAbove, async () => undefined, `00-${TRACE}-${PRODUCER}-01`);
  await keptAbove[Symbol.asyncDispose]();
  expect(sandbox.spans()).toHaveLength(2);

  const off = await tracingTo(sandbox.url, { sampler: 'always_off' });
  await addAndRun(off, async () => undefined, `00-${TRACE}-${PRODUCER}-01`);
  await off[Symbol.asyncDispose]();
  expect(sandbox.spans()).toHaveLength(2);
});

test('the collector gets the configured headers', async () => {
  const sandbox = await collector();
  const tracing = await tracingTo(sandbox.url, { headers: { authorization: 'Basic abc=' } });
  await addAndRun(tracing, async () => undefined);
  await tracing[Symbol.asyncDispose]();
  expect(sandbox.headers().authorization).toBe('Basic abc=');
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const heapMb = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
};

test.each<[how: string, fault: Fault | undefined]>([
  ['hangs', { kind: 'hang' }],
  ['refuses', { kind: 'error', status: 403 }],
  ['cannot', { kind: 'error', status: 503 }],
  ['resets connections', { kind: 'reset' }],
  ['is down', undefined],
])(
  'a collector that %s holds up no work and no end, takes no memory, and each lost span is counted',
  async (_, fault) => {
    const sandbox = await collector();
    if (fault) sandbox.faults(fault);
    else await sandbox.stop();
    let lost = 0;
    const onLost = (_error: Error, spans: number): void => {
      lost += spans;
    };
    const tracing = await tracingTo(sandbox.url, { onLost });
    const work = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n += 1) await addAndRun(tracing, async () => tracing.called(sent));
    };
    // This fills the queue.
    await work(1_000);
    const before = heapMb();
    await work(2_000);
    expect(heapMb() - before).toBeLessThan(8);

    const startedAt = performance.now();
    await tracing[Symbol.asyncDispose]();
    expect(performance.now() - startedAt).toBeLessThan(seconds(3));
    expect(lost + sandbox.spans().length).toBe(3 * 3_000);
  },
);

test('a collector that answers garbage has the spans', async () => {
  const sandbox = await collector();
  sandbox.faults({ kind: 'error', status: 200, body: '<html>Welcome</html>' });
  const lost: Error[] = [];
  const tracing = await tracingTo(sandbox.url, { onLost: (error) => void lost.push(error) });
  await addAndRun(tracing, async () => tracing.called(sent));
  await tracing[Symbol.asyncDispose]();
  expect(lost).toEqual([]);
});

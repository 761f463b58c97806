import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seconds } from '../src/lib/duration.ts';
import { type FromWorker, type Silence, Supervisor } from '../src/runtime/supervisor.ts';
import { silentLog } from '../src/testing/test-engine.ts';
import { until } from '../src/testing/until.ts';
import { metricValue, scrape } from '../src/testing/world/metrics.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';

const TASK = 'send_notification';

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).filter(Boolean).map(Number);
}

describe('WORKER_CONCURRENCY=2', () => {
  let world: World;
  let worker: RoleProcess;
  beforeAll(async () => {
    world = await World.start({
      env: { WORKER_CONCURRENCY: '2', TASK_CONCURRENCY: '1', TELEGRAM_RATE_PER_SECOND: '1000' },
    });
    worker = await world.startWorker();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  /** The processes that the supervisor started. */
  const children = (): number[] => childrenOf(worker.pid);

  const sent = async (): Promise<number> =>
    metricValue(await scrape(worker.httpUrl), 'taskiq_task_total', { task_name: TASK, status: 'success' });

  let dispatched = 0;
  async function send(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      dispatched += 1;
      await world.dispatch(TASK, { telegram_id: 1_000 + dispatched, message: 'hello' });
    }
  }

  test('/metrics is the sum over all processes', async () => {
    // Slow enough that one process alone would still be busy while the other takes its share.
    world.telegram.faults({ kind: 'latency', ms: 50, path: 'sendMessage' });
    // A process is ready before it is connected, so the other may have taken any number of jobs by then.
    await until('both have done some', async () => {
      await send(1);
      return new Set(worker.log.filter(({ msg }) => msg === 'task done').map(({ pid }) => pid)).size === 2;
    });
    await until('all are counted', async () => (await sent()) === dispatched);
    expect(children()).toHaveLength(2);
  });

  test('a worker process that dies is replaced; its counts stay in the sum, and the worker says what happened', async () => {
    const [victim, survivor] = children();
    process.kill(victim!, 'SIGKILL');

    await until('there are two again', () => {
      const now = children();
      return now.length === 2 && !now.includes(victim!);
    });
    expect(children()).toContain(survivor);
    await worker.untilLogged(({ msg, signal }) => msg.startsWith('worker process died') && signal === 'SIGKILL');
    expect(await sent()).toBe(dispatched);

    await send(10);
    await until('new jobs are counted on top', async () => (await sent()) === dispatched);
  });

  test('/health/ready answers 503 with the reason while a process is missing, and 200 again after', async () => {
    const ready = async () => await fetch(`${worker.httpUrl}/health/ready`);
    // The process that took the dead one's place has been forked, and may still be starting up.
    await until('both are ready', async () => (await ready()).status === 200);
    process.kill(children()[0]!, 'SIGKILL');

    const missing = await until('it notices', async () => {
      const response = await ready();
      return response.status === 503
        ? ((await response.json()) as { checks: { processes: { error: string } } })
        : undefined;
    });
    expect(missing.checks.processes.error).toBe('1 of 2 worker processes are running');
    await until('it has recovered', async () => (await ready()).status === 200);
  });

  test('SIGTERM ends the worker and both of its processes', async () => {
    const pids = children();
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

test('a process that died a moment ago is asked in vain, and its supervisor lives on', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'processes-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const ready: FromWorker = { kind: 'ready' };
  const module = join(folder, 'process.mjs');
  await writeFile(
    module,
    `process.send(${JSON.stringify(ready)});
     process.on('message', ({ kind }) => kind === 'stop' && process.disconnect());`,
  );
  const died = Promise.withResolvers<string | null>();
  const processes = new Supervisor({
    count: 1,
    module: pathToFileURL(module),
    args: [],
    log: silentLog,
    onDied: died.resolve,
    onSilent: () => undefined,
  });
  stack.defer(() => processes.stop(0));
  const before = childrenOf(process.pid);
  await processes.start();

  const pid = childrenOf(process.pid).find((child) => !before.includes(child))!;
  process.kill(pid, 'SIGKILL');
  // Nothing may be awaited here: the death must not be known yet. Its last thread takes the pipe along.
  while (!/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')) || readdirSync(`/proc/${pid}/task`).length > 1);
  expect(await processes.render([])).toBe('\n');
  expect(await died.promise).toBe('SIGKILL');
});

test('a process that hangs is not ready, is told, and is replaced; one that is busy for a moment is left alone', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'processes-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const module = join(folder, 'process.mjs');
  await writeFile(
    module,
    `process.send({ kind: 'ready' });
     process.on('message', ({ kind }) => kind === 'stop' ? process.disconnect() : process.send({ kind: 'pong' }));`,
  );
  const silences: Silence[] = [];
  const deaths: unknown[] = [];
  const processes = new Supervisor({
    count: 2,
    module: pathToFileURL(module),
    args: [],
    log: silentLog,
    onDied: (signal) => deaths.push(signal),
    onSilent: (silence) => silences.push(silence),
    silentAfterMs: seconds(3),
  });
  stack.defer(() => processes.stop(0));
  const before = childrenOf(process.pid);
  await processes.start();
  const started = childrenOf(process.pid).filter((pid) => !before.includes(pid));
  const [hung, other] = started as [number, number];

  process.kill(hung, 'SIGSTOP');
  const error = await until('it is not ready', () =>
    processes.check().then(
      () => undefined,
      ({ message }: Error) => message,
    ),
  );
  expect(error).toBe(`1 of 2 worker processes do not answer: pid ${hung}`);
  expect(silences).toEqual([{ pid: hung, silentMs: seconds(3) }]);
  await until('it is killed', () => deaths.length === 1);
  expect(deaths).toEqual(['SIGKILL']);
  await until('there are two again', () =>
    processes.check().then(
      () => true,
      () => false,
    ),
  );
  expect(childrenOf(process.pid)).toContain(other);
  expect(silences).toHaveLength(1);
});

import { once } from 'node:events';
import type { Role } from '../src/app/roles.ts';
import { seconds } from '../src/lib/duration.ts';
import { until } from '../src/testing/until.ts';
import { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import { Bundled } from './harness/bundled.ts';
import type { Measure } from './harness/measure.ts';
import { usageOfGroup } from './harness/process-usage.ts';
import { rounds } from './harness/scale.ts';
import { sideBySide } from './harness/side-by-side.ts';

const BAR = { below: seconds(2) };

export const measure: Measure = {
  title: 'from starting the process to /health/ready saying yes',
  limits: 'Loading the code, some 400 modules; on a first start Node strips types and compiles as well.',

  async run(scale) {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await World.start());
    const bundled = stack.use(await Bundled.make());
    const shipped = (role: Role): Promise<RoleProcess> => RoleProcess.start(role, world.env, undefined, bundled.spawn);
    await using healthy = await shipped('worker');
    const port = { METRICS_PORT: new URL(healthy.httpUrl).port };
    const command = async (name: string): Promise<number> => {
      const startedAt = performance.now();
      const child = bundled.spawn([name], { ...world.env, ...port });
      child.stdout?.resume();
      await once(child, 'exit');
      return performance.now() - startedAt;
    };
    const processorMs = { one: [] as number[], first: [] as number[] };
    const samples = await sideBySide(
      {
        one: () => startedIn(() => world.startWorker(), processorMs.one),
        two: () => startedIn(() => world.startWorker({ WORKER_CONCURRENCY: '2' })),
        first: () => startedIn(() => world.startWorker({ NODE_DISABLE_COMPILE_CACHE: '1' }), processorMs.first),
        scheduler: () => startedIn(() => world.startScheduler()),
        shippedWorker: () => startedIn(() => shipped('worker')),
        shippedScheduler: () => startedIn(() => shipped('scheduler')),
        health: () => command('health'),
        tasks: () => command('tasks'),
      },
      rounds(scale),
    );
    return {
      figures: [
        { what: 'worker, 1 process', unit: 'ms', samples: samples.one, bar: BAR },
        { what: 'worker, 2 processes and supervisor', unit: 'ms', samples: samples.two, bar: BAR },
        { what: 'worker, 1 process, a first start', unit: 'ms', samples: samples.first, bar: BAR },
        { what: 'scheduler', unit: 'ms', samples: samples.scheduler, bar: BAR },
        { what: 'worker from the bundle, 1 process', unit: 'ms', samples: samples.shippedWorker, bar: { atMost: 500 } },
        { what: 'scheduler from the bundle', unit: 'ms', samples: samples.shippedScheduler, bar: { atMost: 500 } },
        { what: 'task-worker health, from the bundle', unit: 'ms', samples: samples.health, bar: { atMost: 150 } },
        { what: 'task-worker tasks, from the bundle', unit: 'ms', samples: samples.tasks, bar: { atMost: 600 } },
        { what: 'processor time of 1 process', unit: 'ms', samples: processorMs.one.slice(1) },
        { what: 'processor time of 1 process, a first start', unit: 'ms', samples: processorMs.first.slice(1) },
      ],
      notes: [
        'The shipped command line with PostgreSQL, Redis, Telegram and Crypto Pay ready around it. No panel.',
        'A first start finds nothing that an earlier one compiled (NODE_DISABLE_COMPILE_CACHE=1). The image comes with it.',
      ],
    };
  },
};

/** The milliseconds of a start. Adds the processor time until then to `processorMs`. */
async function startedIn(start: () => Promise<RoleProcess>, processorMs: number[] = []): Promise<number> {
  const startedAt = performance.now();
  const role = await start();
  await until('it is ready', async () => (await fetch(`${role.httpUrl}/health/ready`)).ok);
  const elapsed = performance.now() - startedAt;
  processorMs.push((await usageOfGroup(role.pid)).processorMs);
  await role.stop();
  return elapsed;
}

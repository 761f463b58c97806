/** The shipped application and runner with one more task, in one process, as `task-worker worker` with WORKER_CONCURRENCY=1. */
import { buildApp } from '../../src/app/build-app.ts';
import { resultListener, startIntake } from '../../src/app/doors/intake.ts';
import { parseConfig } from '../../src/config.ts';
import { HeapKeeper } from '../../src/lib/heap-keeper.ts';
import { keepHeapSmall } from '../../src/main.ts';
import { connectRedis } from '../../src/repositories/redis/connection.ts';
import { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { TaskRegistry } from '../../src/runtime/registry.ts';
import { Runner } from '../../src/runtime/runner.ts';
import { serveMeasure } from './speak.ts';
import { probeTask } from './tasks.ts';

keepHeapSmall();
const latencies: number[] = [];
await using stack = new AsyncDisposableStack();
const config = parseConfig(process.env);
const built = await buildApp(config, 'bench', stack);
const registry = new TaskRegistry([...built.registry.tasks, probeTask((ms) => latencies.push(ms))]);
const dispatcher = new Dispatcher({ ...built, clock: () => new Date(), registry });
const app = { ...built, registry, dispatcher };

const connection = connectRedis({ url: config.REDIS_URL, name: 'bench', whenDown: 'wait', onError: () => undefined });
stack.defer(() => connection.disconnect());
stack.use(new HeapKeeper());
const runner = new Runner({
  ...app,
  connection,
  middleware: app.middleware(resultListener(app)),
  concurrency: config.TASK_CONCURRENCY,
  resultTtlSeconds: config.RESULT_TTL_SECONDS,
  clock: () => new Date(),
});
stack.defer(() => runner.stop(0));
const intake = startIntake(app);
if (intake) stack.defer(() => intake.stop());
await runner.ready();
await serveMeasure(latencies);

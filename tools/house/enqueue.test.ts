import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type RunContext } from '../../src/runtime/define-task.ts';
import type { Dispatcher } from '../../src/runtime/dispatcher.ts';
import { loadTasks } from '../../src/runtime/registry.ts';
import { sources } from './sources.ts';
import { callersOf, type Exceptions, namesInText } from './task-names.ts';

const greet = defineTask({
  name: 'greet',
  summary: { en: 'Greets', ru: 'Здоровается' },
  payload: z.object({ who: z.string(), loud: z.boolean().default(false) }),
  retry: { delaysMs: [], exhausted: 'log' },
  counts: {},
  needs: [],
  async run(_, { again }) {
    await again();
    await again({ payload: { loud: true }, slot: 1, delayMs: 1 });
    // @ts-expect-error: not a field of this task's payload
    await again({ payload: { lout: true } });
    return {};
  },
});

describe('tasks are enqueued as objects', () => {
  // Nothing here runs: `tsc` fails where one of these lines compiles that should not, or does not that should.
  test('what defineTask did not make does not compile', () => {
    const payload = z.object({});
    const compiled = async ({ enqueue }: RunContext, dispatcher: Dispatcher) => {
      await enqueue(greet, { who: 'you' });
      // @ts-expect-error: the payload is another task's
      await enqueue(greet, { whom: 'you' });
      // @ts-expect-error: a literal with a name, right or misspelt, is no task
      await enqueue({ name: 'greet', payload }, {});
      // @ts-expect-error: neither is a name
      await enqueue('greet', {});
      const options = { source: 'task', initiatedBy: 'test' } as const;
      await dispatcher.dispatch(greet, { who: 'you' }, options);
      // @ts-expect-error: a literal is no task here either
      await dispatcher.dispatch({ name: 'greet', payload }, {}, options);
      // @ts-expect-error: nor is a name, which only a door has
      await dispatcher.dispatch('greet', {}, options);
    };
    expect(compiled).toBeTypeOf('function');
  });

  test('only the doors dispatch by name, as theirs come from outside', async () => {
    expect(callersOf('dispatchNamed', await sources())).toEqual([
      'app/doors/intake.ts', // the TaskIQ stream
      'runtime/dispatcher.ts', // itself
      'triggers/cli/tasks.ts', // the command line
    ]);
  });
});

describe('a task is named in its own file', () => {
  const except: Exceptions = {
    // What people read of a task that has its own word there: a rename is told to them too.
    'messages/runbooks/payments.ts': ['verify_pending_payments'],
    'messages/runbooks/rules-of-promises.ts': [
      'check_server_health',
      'process_notification_queue',
      'verify_pending_payments',
    ],
    'messages/runbooks/services-and-nodes.ts': ['check_expiring_subscriptions'],
    // Said to an operator, who types it; the task imports this file.
    'domain/subscriptions/monthly-resets.ts': ['reset_monthly_traffic'],
    // Said in the log; that task imports this one.
    'tasks/payments/process-payment-completion.ts': ['retry_failed_webhooks'],
  };

  test('and nowhere else as text', async () => {
    expect(namesInText(await sources(), await loadTasks(), except)).toEqual([]);
  });

  test('a name, an alias and a misspelt name are found, in templates too', async () => {
    const planted = new Map([
      ['app/a.ts', `run('sync_user_stats'); run(\`/api/tasks/bulk_export/\${id}\`);`],
      ['runtime/b.ts', "const LONG: Set<string> = new Set(['brodcast_message']); say('check_everything');"],
      ['tasks/sync/sync-user-stats.ts', "defineTask({ name: 'sync_user_stats' })"],
    ]);
    expect(namesInText(planted, await loadTasks(), { 'app/a.ts': ['sync_user_stats'] })).toEqual([
      'app/a.ts: bulk_export',
      'runtime/b.ts: brodcast_message for broadcast_message',
    ]);
  });
});

describe('queue policy is said by the tasks', () => {
  test('which queues get a quarter of the slots', async () => {
    const { tasks } = await loadTasks();
    const queues = new Set(tasks.filter(({ longRunning }) => longRunning).map(({ queue }) => queue));
    expect(queues).toEqual(new Set(['bulk', 'cleanup', 'reports']));
  });

  test('whose jobs operators watch: those of the bulk queue, and broadcasts', async () => {
    const registry = await loadTasks();
    const watched = registry.tasks.filter((task) => task.watched);
    expect(watched.filter(({ queue }) => queue === 'bulk')).toEqual(registry.tasksOf('bulk'));
    expect(watched.filter(({ queue }) => queue !== 'bulk').map(({ name }) => name)).toEqual(['broadcast_message']);
  });
});

import type { AnyTask, RunContext } from './define-task.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { JobData } from './job-data.ts';

/**
 * Adds further work for a run, of other tasks and of its own. Each job keeps the correlation id and has this task as its initiator. The
 * rest of its own work is for the same slot.
 */
export function followUps(
  dispatcher: Dispatcher,
  task: AnyTask,
  { correlationId, payload, slotMs }: Pick<JobData, 'correlationId' | 'payload' | 'slotMs'>,
): Pick<RunContext, 'again' | 'enqueue'> {
  const asked = { source: 'task', initiatedBy: task.name, correlationId } as const;
  return {
    enqueue: (other, next, options) => dispatcher.dispatch(other, next, { ...options, ...asked }),
    again: ({ payload: changes, slot, ...options } = {}) => {
      const unique = slot === undefined ? { unique: true, afterActive: true } : { uniqueKey: `${task.name}:${slot}` };
      const ofSlot = slotMs === undefined ? {} : { slot: new Date(slotMs) };
      return dispatcher.dispatch(task, { ...payload, ...changes }, { ...options, ...unique, ...asked, ...ofSlot });
    },
  };
}

import { QUEUES, type QueueName } from '../../runtime/define-task.ts';
import type { DispatchOptions } from '../../runtime/dispatcher.ts';
import type { MessageOptions } from './labels.ts';
import { jobIdOf, type TaskiqMessage } from './message.ts';
import { NAMED_RETRY_DELAYS } from './retry-policies.ts';

/** The options for the job of a message: its own task id, so that a second delivery adds nothing, and the wishes of its labels. */
export const dispatchOptionsOf = (message: TaskiqMessage, options: MessageOptions, sentAt: Date): DispatchOptions => ({
  source: 'taskiq',
  initiatedBy: 'taskiq',
  jobId: jobIdOf(message.taskId),
  createdAt: sentAt,
  taskiq: { taskId: message.taskId, labels: message.labels },
  ...asked(message, options),
});

/** Translates labels into the dispatcher's options. An unknown queue or retry policy has no effect. */
function asked(message: TaskiqMessage, options: MessageOptions): Partial<DispatchOptions> {
  const { delayMs, maxRetries, priority, retryPolicy, timeoutMs } = options;
  const queue = QUEUES.find((name): name is QueueName => name === options.queue);
  const named = retryPolicy === undefined ? undefined : NAMED_RETRY_DELAYS[retryPolicy];
  const { traceparent } = message.labels;
  const delaysMs = maxRetries === undefined ? named : named?.slice(0, maxRetries);
  return {
    correlationId: message.taskId,
    ...(queue && { queue }),
    ...(delaysMs && { delaysMs }),
    ...(delayMs !== undefined && { delayMs }),
    ...(priority !== undefined && { priority }),
    ...(timeoutMs !== undefined && { timeLimitMs: timeoutMs }),
    ...(typeof traceparent === 'string' && { traceparent }),
  };
}

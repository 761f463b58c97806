import type { MessageOptions } from './labels.ts';
import type { TaskiqMessage } from './message.ts';

/**
 * Puts a message into the queue; resolves when the queue has it. The same task id twice must add nothing. A `PermanentError` sends the
 * message to the dead letters under that error's code (`unknown_task` and `task_disabled` to the forward stream, where there is one). After any other error it
 * stays in the stream and is tried again.
 */
export type HandOver = (message: TaskiqMessage, options: MessageOptions, sentAt: Date) => Promise<void>;

/** Receives the events of the intake, for metrics and the log. */
export interface IntakeObserver {
  /** A message was handed over. */
  accepted(taskName: string): void;
  /** An entry went to the dead letters, for one of few reasons. */
  dead(reason: string, entryId: string, detail: string): void;
  /** A message of a task that is not run here went to the forward stream, unchanged. */
  forwarded(entryId: string): void;
  /** Something failed and will be tried again; `what` has few values. Called once while Redis is away, not at every try. */
  problem(what: IntakeWork, error: unknown): void;
}

export type IntakeWork = 'read' | 'hand_over' | 'result' | 'housekeeping' | 'stop';

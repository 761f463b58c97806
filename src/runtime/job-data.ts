/** The data of a job in its queue. It is small, because Redis holds it for as long as the job is kept. */
export type JobData = {
  /** The payload as it was dispatched. The runner parses it again, because code may have changed meanwhile. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly correlationId: string;
  readonly initiatedBy: string;
  readonly source: JobSource;
  /** How often it was put back into its queue as a dead letter. Absent: never. */
  readonly replays?: number;
  /** When the failure that was put back last had ended, in milliseconds since 1970, and the act that did so where one person did many. */
  readonly replayedBy?: { readonly act?: string; readonly failedAtMs: number };
  /** The slot of the schedule that it is for, in milliseconds since 1970. The rest of its work that it adds itself is for the same slot. */
  readonly slotMs?: number;
  /** Overrides the task's time limit, in milliseconds. */
  readonly timeLimitMs?: number;
  /** Overrides the task's retry delays, in milliseconds. */
  readonly delaysMs?: readonly number[];
  /** When a worker took it whose version does not have its task, in milliseconds since 1970. */
  readonly unknownSinceMs?: number;
  /** Names the span that added the job, where traces are on: https://www.w3.org/TR/trace-context/ */
  readonly traceparent?: string;
  /** Present where a TaskIQ producer may wait for the result under this id. */
  readonly taskiq?: { readonly taskId: string; readonly labels: Readonly<Record<string, unknown>> };
};

/** The doors that a job can come through. */
export type JobSource = 'schedule' | 'taskiq' | 'http' | 'cli' | 'task';

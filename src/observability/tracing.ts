import type { ClientCall } from '../clients/policy.ts';

/** A job on its way into its queue. */
export type AddedJob = {
  task: string;
  queue: string;
  /** The door it came through. */
  source: string;
  correlationId: string;
  jobId: string;
  /** What the producer said, where it said something; without it, the job belongs to the run that adds it, else begins a trace. */
  traceparent: string | undefined;
};

/** One attempt of a job. */
export type TracedRun = AddedJob & { attempt: number; waitedMs: number };

/** How an attempt ended without a result. */
export type RunEnd = { outcome: string; isFailure: boolean; code: string };

/** One statement that the database has answered; its text has placeholders where values go. */
export type Statement = { sql: string; ms: number };

/**
 * What the work tells of itself. No attribute of a span holds what people wrote, addresses, tokens or payloads: only names that
 * are in the code, ids of jobs, numbers and codes of errors.
 */
export interface Tracing extends AsyncDisposable {
  /** A job is added; `add` gets the `traceparent` to carry in it and answers the id of the job that is then in the queue. */
  adding(job: AddedJob, add: (traceparent: string) => Promise<string>): Promise<string>;
  /** An attempt runs. What is added, called and stated inside `work` belongs to it. */
  running<T>(run: TracedRun, work: () => Promise<T>, endOf: (error: unknown) => RunEnd): Promise<T>;
  /** An outside call has just ended. */
  called(call: ClientCall): void;
  /** A statement has just ended. */
  stated(statement: Statement): void;
  /** For the log lines of a run. */
  ids(): { trace_id: string; span_id: string } | undefined;
}

export type TracingOptions = {
  /** Base address of an OTLP/HTTP collector. */
  endpoint: string;
  headers: Readonly<Record<string, string>>;
  serviceName: string;
  version: string;
  role: string;
  sampler: Sampler;
  /** Share of traces to keep, for the samplers by ratio. */
  ratio: number;
  /** Spans did not reach the collector. Called at most once for each batch. */
  onLost(error: Error): void;
};

/** The names of OpenTelemetry: https://opentelemetry.io/docs/languages/sdk-configuration/general/#otel_traces_sampler */
export type Sampler = `${'' | 'parentbased_'}${'always_on' | 'always_off' | 'traceidratio'}`;

import type { ClientCall } from '../clients/policy.ts';

/** A job on its way into its queue. */
export type AddedJob = {
  task: string;
  queue: string;
  /** The door that the job came through. */
  source: string;
  correlationId: string;
  jobId: string;
  /** The producer's `traceparent`, if it sent one. Without it, the job belongs to the run that adds it, or else begins a trace. */
  traceparent: string | undefined;
};

/** One attempt of a job. */
export type TracedRun = AddedJob & { attempt: number; waitedMs: number };

/** How an attempt ended without a result. */
export type RunEnd = { outcome: string; isFailure: boolean; code: string };

/** One statement that the database has answered; its text has placeholders for values. */
export type Statement = { sql: string; ms: number };

/**
 * Receives reports of the work. No attribute of a span holds texts of people, addresses, tokens or payloads: only names from the code, ids
 * of jobs, numbers and codes of errors.
 */
export interface Tracing extends AsyncDisposable {
  /** Adds a job. `add` gets the `traceparent` that the job carries, and returns the id of the job that is then in the queue. */
  adding(job: AddedJob, add: (traceparent: string) => Promise<string>): Promise<string>;
  /** Runs an attempt. Jobs that are added, calls and statements inside `work` belong to it. */
  running<T>(run: TracedRun, work: () => Promise<T>, endOf: (error: unknown) => RunEnd): Promise<T>;
  /** An outside call has just ended. */
  called(call: ClientCall): void;
  /** A statement has just ended. */
  stated(statement: Statement): void;
  /** The ids for the log lines of a run. */
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
  /** Called with the number of spans that did not reach the collector. */
  onLost(error: Error, spans: number): void;
};

/** The names of OpenTelemetry: https://opentelemetry.io/docs/languages/sdk-configuration/general/#otel_traces_sampler */
export type Sampler = `${'' | 'parentbased_'}${'always_on' | 'always_off' | 'traceidratio'}`;

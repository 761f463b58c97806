import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import type { ClientCall } from '../clients/policy.ts';
import { formatTraceParent, parseTraceParent } from '../lib/trace-parent.ts';
import type { AddedJob, RunEnd, Statement, TracedRun, Tracing } from './tracing.ts';

/** The attempt that the current code belongs to. */
type Current = { span: Span; context: Context; spansLeft: number; statements: number; statementsMs: number };

/** A drain or a sweep may make calls and add jobs without end. A trace that large cannot be looked at, and collectors refuse it. */
const SPANS_PER_RUN = 1_000;

/**
 * A span for each statement would be most of all spans and cost more than most statements. So each run has the number and the time of its
 * statements, and only a statement that is slow for one with an index gets its own span.
 */
const SLOW_STATEMENT_MS = 100;
const STATEMENT_CHARACTERS = 500;

/** Turns the reports of the work into spans of OpenTelemetry. */
export class Spans implements Tracing {
  readonly #tracer: Tracer;
  readonly #flush: () => Promise<void>;
  readonly #current = new AsyncLocalStorage<Current>();

  constructor(tracer: Tracer, flush: () => Promise<void>) {
    this.#tracer = tracer;
    this.#flush = flush;
  }

  async adding(job: AddedJob, add: (traceparent: string) => Promise<string>): Promise<string> {
    const current = this.#current.getStore();
    if (current && !takeSpan(current)) return await add(traceparentOf(current.span));
    const parent = remote(job.traceparent) ?? current?.context ?? ROOT_CONTEXT;
    const options = { kind: SpanKind.PRODUCER, attributes: jobAttributes(job, 'send') };
    const span = this.#tracer.startSpan(`enqueue ${job.task}`, options, parent);
    try {
      const inQueue = await add(traceparentOf(span));
      // The queue already had a job with the same id or unique key, so this span has no child.
      if (inQueue !== job.jobId) span.setAttribute('cybervpn.joined_job_id', inQueue);
      return inQueue;
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  async running<T>(run: TracedRun, work: () => Promise<T>, endOf: (error: unknown) => RunEnd): Promise<T> {
    const parent = remote(run.traceparent) ?? ROOT_CONTEXT;
    const attributes = {
      ...jobAttributes(run, 'process'),
      'cybervpn.attempt': run.attempt,
      'cybervpn.waited_ms': Math.round(run.waitedMs),
    };
    const span = this.#tracer.startSpan(`run ${run.task}`, { kind: SpanKind.CONSUMER, attributes }, parent);
    const context = trace.setSpan(ROOT_CONTEXT, span);
    const current: Current = { span, context, spansLeft: SPANS_PER_RUN, statements: 0, statementsMs: 0 };
    try {
      const result = await this.#current.run(current, work);
      span.setAttribute('cybervpn.outcome', 'success');
      return result;
    } catch (error) {
      const { code, isFailure, outcome } = endOf(error);
      span.setAttribute('cybervpn.outcome', outcome);
      if (isFailure) fail(span, code);
      throw error;
    } finally {
      const { spansLeft, statements, statementsMs } = current;
      span.setAttributes({
        'cybervpn.db.statements': statements,
        'cybervpn.db.ms': Math.round(statementsMs),
        ...(spansLeft < 0 && { 'cybervpn.spans_left_out': -spansLeft }),
      });
      span.end();
    }
  }

  called(call: ClientCall): void {
    const attributes: Attributes = {
      'peer.service': call.service,
      'cybervpn.endpoint': call.endpoint,
      'cybervpn.outcome': call.outcome,
      'http.request.method': call.method,
      ...(call.status !== 'none' && { 'http.response.status_code': Number(call.status) }),
    };
    const failure = call.outcome === 'ok' ? undefined : failureOf(call);
    this.#ended(`${call.service} ${call.endpoint}`, call.seconds * 1000, attributes, failure);
  }

  stated({ ms, sql }: Statement): void {
    const current = this.#current.getStore();
    if (!current) return;
    current.statements += 1;
    current.statementsMs += ms;
    if (ms < SLOW_STATEMENT_MS) return;
    const text = sql.replaceAll(/\s+/g, ' ').trim().slice(0, STATEMENT_CHARACTERS);
    this.#ended('postgresql', ms, { 'db.system.name': 'postgresql', 'db.query.text': text }, undefined);
  }

  ids(): { trace_id: string; span_id: string } | undefined {
    const span = this.#current.getStore()?.span.spanContext();
    return span && { trace_id: span.traceId, span_id: span.spanId };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush();
  }

  /**
   * Makes a span for work that is over, so that nobody has to carry it while the work goes on. Outside of a run it would belong to nothing.
   */
  #ended(name: string, ms: number, attributes: Attributes, failure: string | undefined): void {
    const current = this.#current.getStore();
    if (!current || !takeSpan(current)) return;
    const endTime = Date.now();
    const options = { kind: SpanKind.CLIENT, attributes, startTime: endTime - ms };
    const span = this.#tracer.startSpan(name, options, current.context);
    if (failure !== undefined) fail(span, failure);
    span.end(endTime);
  }
}

function takeSpan(current: Current): boolean {
  current.spansLeft -= 1;
  return current.spansLeft >= 0;
}

/** Marks a failed span by the error's code only: its message may hold anything. */
function fail(span: Span, code: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

const failureOf = ({ outcome, status }: ClientCall): string =>
  outcome === 'error' && status !== 'none' ? status : outcome;

/** OpenTelemetry's names where it has them: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
function jobAttributes(job: AddedJob, operation: 'send' | 'process'): Attributes {
  return {
    'messaging.system': 'bullmq',
    'messaging.operation.type': operation,
    'messaging.destination.name': job.queue,
    'messaging.message.id': job.jobId,
    'cybervpn.task': job.task,
    'cybervpn.source': job.source,
    'cybervpn.correlation_id': job.correlationId,
  };
}

function remote(traceparent: string | undefined): Context | undefined {
  const parent = parseTraceParent(traceparent);
  if (!parent) return undefined;
  const { isSampled, spanId, traceId } = parent;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function traceparentOf(span: Span): string {
  const { spanId, traceFlags, traceId } = span.spanContext();
  return formatTraceParent({ traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
}

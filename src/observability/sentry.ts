import {
  createEventEnvelope,
  createTransport,
  type DsnComponents,
  getEnvelopeEndpointWithUrlEncodedAuth,
  makeDsn,
  type Transport,
  type TransportMakeRequestResponse,
  uuid4,
} from '@sentry/core';
import { minutes, seconds } from '../lib/duration.ts';
import type { ErrorReport, ErrorReports, ErrorReportsOptions } from './error-reports.ts';
import { ReportBudget } from './report-budget.ts';
import { describeThrown } from './stack-frames.ts';

/** Reports that are being sent; further ones are dropped while there are so many. */
const AT_ONCE = 16;
const SEND_LIMIT_MS = seconds(5);
/** Within the reserve that a supervisor leaves its processes after the drain (`runtime/supervisor.ts`). */
const FLUSH_LIMIT_MS = seconds(1);

/** A failing dependency fails hundreds of jobs a minute, and they are one problem. */
const PER_GROUP_MS = minutes(1);
const PER_MINUTE = 20;

type DroppedEvent = Parameters<typeof createTransport>[0]['recordDroppedEvent'];

/**
 * Sends Sentry's envelopes through its transport, which keeps to the server's rate limits. The rest of its SDK is not used, because it
 * would collect breadcrumbs, host and request.
 */
class SentryReports implements ErrorReports {
  readonly #options: ErrorReportsOptions;
  readonly #dsn: DsnComponents;
  readonly #transport: Transport;
  #travelling = 0;
  readonly #budget = new ReportBudget({ perGroupMs: PER_GROUP_MS, perMinute: PER_MINUTE });

  constructor(options: ErrorReportsOptions, dsn: DsnComponents) {
    this.#options = options;
    this.#dsn = dsn;
    const url = getEnvelopeEndpointWithUrlEncodedAuth(dsn);
    // The transport throws what a failed call said.
    const recordDroppedEvent: DroppedEvent = (reason) => {
      if (reason !== 'network_error') options.onLost(new Error(`A report was not sent: ${reason}`), 1);
    };
    this.#transport = createTransport({ bufferSize: AT_ONCE, recordDroppedEvent }, async ({ body }) => {
      const text = typeof body === 'string' ? body : new TextDecoder().decode(body);
      const answer = await send(url, options.mask(text));
      if (answer.statusCode === 429) options.onLost(new Error('the error tracker answered 429'), 1);
      return answer;
    });
  }

  report(problem: ErrorReport): void {
    const suppressed = this.#budget.take(problem.group.join(' '), performance.now());
    if (suppressed === undefined) return;
    const { environment, onLost, role, version } = this.#options;
    const { error, group, ids, level } = problem;
    const { span_id, trace_id, ...extra } = ids;
    const event = {
      event_id: uuid4(),
      timestamp: Date.now() / 1000,
      platform: 'node',
      level,
      environment,
      release: `cybervpn-task-worker@${version}`,
      transaction: group[0],
      fingerprint: [...group],
      tags: { role, what: group[0], code: group[1] },
      extra: { ...extra, ...(suppressed > 0 && { not_reported_since: suppressed }) },
      ...(trace_id && span_id && { contexts: { trace: { trace_id: String(trace_id), span_id: String(span_id) } } }),
      exception: { values: describeThrown(error, group) },
    };
    this.#travelling += 1;
    Promise.resolve(this.#transport.send(createEventEnvelope(event, this.#dsn)))
      .catch((thrown: Error) => onLost(thrown, 1))
      .finally(() => {
        this.#travelling -= 1;
      });
  }

  async flush(): Promise<void> {
    await this.#transport.flush(FLUSH_LIMIT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.flush();
    const late = new Error(`The last reports were not taken within ${FLUSH_LIMIT_MS} ms`);
    if (this.#travelling > 0) this.#options.onLost(late, this.#travelling);
  }
}

/** Throws an `Error` for an invalid DSN; `config.ts` has checked it before. */
export function startSentry(options: ErrorReportsOptions): ErrorReports {
  const dsn = makeDsn(options.dsn);
  if (!dsn) throw new Error('SENTRY_DSN is not valid');
  return new SentryReports(options, dsn);
}

async function send(url: string, body: string): Promise<TransportMakeRequestResponse> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-sentry-envelope' },
    body,
    signal: AbortSignal.timeout(SEND_LIMIT_MS),
  });
  await response.body?.cancel();
  const limits = response.headers.get('x-sentry-rate-limits');
  const retryAfter = response.headers.get('retry-after');
  if (!response.ok && response.status !== 429) throw new Error(`the error tracker answered ${response.status}`);
  return { statusCode: response.status, headers: { 'x-sentry-rate-limits': limits, 'retry-after': retryAfter } };
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';
import { ExportRequest, type ReceivedSpan, spansOf } from './spans.ts';

export type OtlpSandbox = AsyncDisposable & {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  url: string;
  /** All received spans, or those of one trace. */
  spans(traceId?: string): ReceivedSpan[];
  /** Every raw body, for finding forbidden text. */
  bodies(): readonly string[];
  /** Headers of the last request. */
  headers(): IncomingMessage['headers'];
  /** The reasons that requests were refused as invalid OTLP. */
  refusals(): readonly string[];
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
  stop(): Promise<void>;
};

export type OtlpSandboxOptions = {
  /** 0 (default): any free port. */
  port?: number;
  /** Called with the spans of each request. */
  onSpans?: (spans: readonly ReceivedSpan[]) => void;
};

/** Starts a collector on loopback that takes traces by OTLP/HTTP in JSON, checks every field, keeps them, and fails on command. */
export async function startOtlpSandbox(options: OtlpSandboxOptions = {}): Promise<OtlpSandbox> {
  const faults = createFaults();
  const bodies: string[] = [];
  const refusals: string[] = [];
  let spans: ReceivedSpan[] = [];
  let headers: IncomingMessage['headers'] = {};

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const body = await text(request);
    const refusal = take(request, body);
    if (verdict === 'cut-after') return cut(response);
    if (refusal !== undefined) refusals.push(refusal);
    response.writeHead(refusal === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(refusal === undefined ? {} : { message: refusal }));
  };

  /** The reason of a refusal; undefined where the request was accepted. */
  const take = (request: IncomingMessage, body: string): string | undefined => {
    if (request.method !== 'POST' || request.url !== '/v1/traces') return `${request.method} ${request.url}`;
    if (request.headers['content-type'] !== 'application/json') return `type ${request.headers['content-type']}`;
    const parsed = ExportRequest.safeParse(JSON.parse(body));
    if (!parsed.success) return z.prettifyError(parsed.error);
    const received = spansOf(parsed.data);
    headers = request.headers;
    bodies.push(body);
    spans = [...spans, ...received];
    options.onSpans?.(received);
    return undefined;
  };

  const server = await serveOnLoopback(options.port ?? 0, serve, cut);

  const stop = (): Promise<void> => server.stop(() => faults.clear());
  return {
    url: server.url,
    spans: (traceId) => (traceId === undefined ? [...spans] : spans.filter((span) => span.traceId === traceId)),
    bodies: () => bodies,
    headers: () => headers,
    refusals: () => refusals,
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

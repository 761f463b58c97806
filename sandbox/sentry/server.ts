import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';

const Frame = z.strictObject({
  filename: z.string(),
  function: z.string().optional(),
  lineno: z.int().min(1),
  colno: z.int().min(1),
  in_app: z.boolean(),
});

/**
 * The fields of https://develop.sentry.dev/sdk/data-model/event-payloads/ that the service sends. Any other field is an error, so that none
 * slips in.
 */
const SentEvent = z.strictObject({
  event_id: z.string().regex(/^[\da-f]{32}$/),
  timestamp: z.number().positive(),
  platform: z.literal('node'),
  level: z.enum(['error', 'fatal']),
  environment: z.string().min(1),
  release: z.string().min(1),
  transaction: z.string(),
  fingerprint: z.array(z.string()).min(1),
  tags: z.record(z.string(), z.string()),
  extra: z.record(z.string(), z.union([z.string(), z.number()])),
  contexts: z.strictObject({ trace: z.strictObject({ trace_id: z.string(), span_id: z.string() }) }).optional(),
  exception: z.strictObject({
    values: z
      .array(
        z.strictObject({
          type: z.string(),
          value: z.string(),
          stacktrace: z.strictObject({ frames: z.array(Frame) }).optional(),
        }),
      )
      .min(1),
  }),
});

export type ReceivedEvent = z.output<typeof SentEvent>;

export type SentrySandbox = AsyncDisposable & {
  /** For `SENTRY_DSN`. */
  dsn: string;
  events(): readonly ReceivedEvent[];
  /** Every request with address and body, for finding forbidden text. */
  requests(): readonly string[];
  /** The reasons that requests were refused. */
  refusals(): readonly string[];
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
  stop(): Promise<void>;
};

const PROJECT = 7;

/** Starts the part of a Sentry server that takes events: https://develop.sentry.dev/sdk/data-model/envelopes/ */
export async function startSentrySandbox(): Promise<SentrySandbox> {
  const faults = createFaults();
  const key = randomBytes(16).toString('hex');
  const events: ReceivedEvent[] = [];
  const requests: string[] = [];
  const refusals: string[] = [];

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    requests.push(`${request.url}\n${body}`);
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const refusal = take(new URL(request.url ?? '/', 'http://sandbox'), body);
    if (verdict === 'cut-after') return cut(response);
    if (refusal !== undefined) refusals.push(refusal);
    response.writeHead(refusal === undefined ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(refusal === undefined ? { id: events.at(-1)!.event_id } : { detail: refusal }));
  };

  /** The reason of a refusal; undefined where the request was accepted. */
  const take = (url: URL, body: string): string | undefined => {
    if (url.pathname !== `/api/${PROJECT}/envelope/`) return `nothing at ${url.pathname}`;
    if (url.searchParams.get('sentry_key') !== key) return 'wrong key';
    const [, itemHeader, payload] = body.split('\n').map((line) => JSON.parse(line) as unknown);
    if ((itemHeader as { type: string }).type !== 'event') return 'not an event';
    const event = SentEvent.safeParse(payload);
    if (!event.success) return z.prettifyError(event.error);
    events.push(event.data);
    return undefined;
  };

  const server = await serveOnLoopback(0, serve, cut);

  const stop = (): Promise<void> => server.stop(() => faults.clear());
  return {
    dsn: `http://${key}@127.0.0.1:${server.port}/${PROJECT}`,
    events: () => events,
    requests: () => requests,
    refusals: () => refusals,
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

import { z } from 'zod';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import { holeInWords, type ItemKind, type Listing, type OnRead, type Reading, readEach } from '../../lib/read-each.ts';
import { withoutSlashes } from '../../lib/without-slashes.ts';
import type { ClientPolicy } from '../policy.ts';
import { isMissing, PanelFailure, panelError } from './errors.ts';

/** What the panel demands of every request, or it cuts the connection without an answer: it wants to look proxied. */
const FORWARDED = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };

/**
 * An answer larger than this is given up. A page of 1000 users is about 1.5 MB; configuration profiles are the largest
 * answers, some hundred KB each.
 */
const BODY_LIMIT_BYTES = 32 * 1024 * 1024;

export type PanelRequest<T> = {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With ids, from the base URL on. */
  path: string;
  /** The route without ids: names the endpoint in errors and metrics. */
  endpoint: string;
  query?: Record<string, string | number | undefined>;
  body?: unknown;
  /** The schema of the value under `response`. Without one the answer is dropped. */
  schema?: z.ZodType<T>;
  signal: AbortSignal;
};

export type PanelHttpOptions = {
  baseUrl: string;
  token: string;
  policy: ClientPolicy;
  /** Told of every list that was read, and of what was left out of it. */
  onRead?: OnRead | undefined;
};

/** One HTTP call to the panel: headers, policy, bounded body, errors, and the schema that drops what we do not need. */
export class PanelHttp {
  readonly #baseUrl: string;
  readonly #token: string;
  readonly #policy: ClientPolicy;
  readonly #onRead: OnRead | undefined;

  constructor(options: PanelHttpOptions) {
    this.#onRead = options.onRead;
    this.#baseUrl = withoutSlashes(options.baseUrl);
    this.#token = options.token;
    this.#policy = options.policy;
  }

  /**
   * Rejects with `PanelRefusal`, `PanelFailure`, or `TransientError` `remnawave_schema` when an answer does not fit. That is
   * parsed outside the policy: an endpoint that lies must not open the breaker for the others. It is transient, so that the
   * next run asks again and nobody is acted upon meanwhile.
   */
  async call<T = undefined>(request: PanelRequest<T>): Promise<T> {
    const { method, endpoint, signal, schema } = request;
    const label = `${method} ${endpoint}`;
    const answer = await this.#policy.call({ endpoint, method, signal, idempotent: method === 'GET' }, (limited) =>
      this.#exchange(label, request, limited),
    );
    if (!schema) return undefined as T;
    const parsed = envelopeOf(schema).safeParse(answer);
    if (parsed.success) return parsed.data.response as T;
    const { path, message } = parsed.error.issues[0]!;
    const more = parsed.error.issues.length - 1;
    const rest = more > 0 ? ` (and ${more} more)` : '';
    throw misfit(label, `${dotted(path)}: ${message}${rest}`);
  }

  /** The same for one object: `undefined` where the panel says that there is no such. */
  async find<T>(request: PanelRequest<T> & { schema: z.ZodType<T> }): Promise<T | undefined> {
    try {
      return await this.call(request);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /**
   * Reads the items of a list that this endpoint gave, one by one. Several of which none can be read are an odd answer and not odd items:
   * that is an error as `call` has it.
   */
  each<T>(endpoint: string, raw: readonly unknown[], kind: ItemKind<T>): Listing<T> {
    let reading: Reading | undefined;
    const listing = readEach(raw, kind, (one) => {
      reading = one;
    });
    const [first] = listing.holes;
    if (first && raw.length > 1 && listing.items.length === 0) {
      throw misfit(`GET ${endpoint}`, `each of ${raw.length} items, ${first.item} for one: ${holeInWords(first)}`);
    }
    if (reading) this.#onRead?.(reading);
    return listing;
  }

  /** The same for a part of a list: there none may be readable. */
  eachOfPart<T>(raw: readonly unknown[], kind: ItemKind<T>): Listing<T> {
    return readEach(raw, kind, this.#onRead);
  }

  async #exchange(label: string, request: PanelRequest<unknown>, signal: AbortSignal): Promise<unknown> {
    const response = await this.#send(label, request, signal);
    const text = await readBounded(label, response, signal);
    if (!response.ok) {
      const { status, headers } = response;
      throw panelError(label, {
        status,
        text,
        retryAfter: headers.get('retry-after'),
        location: headers.get('location'),
      });
    }
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      const message = `remnawave ${label}: ${response.status} with ${text.length} characters that are no JSON; a proxy's page?`;
      throw new PanelFailure('remnawave_schema', message, { status: response.status });
    }
  }

  async #send(label: string, request: PanelRequest<unknown>, signal: AbortSignal): Promise<Response> {
    const url = new URL(this.#baseUrl + request.path);
    // A part such as `..` leads to another route. `panelPath` lets none through; this holds for every path.
    if (!url.href.endsWith(request.path))
      throw new PermanentError('remnawave_path', `remnawave ${label}: ${url.pathname} is not the path that was meant`);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const hasBody = request.body !== undefined;
    try {
      return await fetch(url, {
        method: request.method,
        headers: {
          ...FORWARDED,
          accept: 'application/json',
          authorization: `Bearer ${this.#token}`,
          ...(hasBody && { 'content-type': 'application/json' }),
        },
        ...(hasBody && { body: JSON.stringify(request.body) }),
        redirect: 'manual',
        signal,
      });
    } catch (error) {
      throw unreachable(label, error, signal);
    }
  }
}

/** Built once for each schema: Zod compiles a new one at its first use, which costs more than the rest of the call. */
const envelopes = new WeakMap<z.ZodType, z.ZodObject<{ response: z.ZodType }>>();

function envelopeOf(schema: z.ZodType): z.ZodObject<{ response: z.ZodType }> {
  const known = envelopes.get(schema) ?? z.object({ response: schema });
  envelopes.set(schema, known);
  return known;
}

const misfit = (label: string, what: string): TransientError =>
  new TransientError(
    'remnawave_schema',
    `remnawave ${label}: the answer does not fit at ${what}; is this panel version supported?`,
  );

async function readBounded(label: string, response: Response, signal: AbortSignal): Promise<string> {
  const tooLarge = (): TransientError => {
    const message = `remnawave ${label}: the answer is larger than ${BODY_LIMIT_BYTES} bytes and was given up`;
    return new PanelFailure('remnawave_too_large', message, { status: response.status });
  };
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  if (length > BODY_LIMIT_BYTES) {
    await response.body?.cancel();
    throw tooLarge();
  }
  // Of a known length: read in one piece, which costs half of reading it piece by piece.
  if (length <= BODY_LIMIT_BYTES && !response.headers.has('content-encoding')) {
    try {
      return await response.text();
    } catch (error) {
      throw unreachable(label, error, signal);
    }
  }
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength;
      if (bytes > BODY_LIMIT_BYTES) throw tooLarge();
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    throw error instanceof TransientError ? error : unreachable(label, error, signal);
  }
  return text + decoder.decode();
}

/** A caller's abort stays what it is; everything else is the network. The cause keeps Node's code (`ECONNRESET`). */
function unreachable(label: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || !(error instanceof Error)) return error;
  const reason = error.cause instanceof Error ? error.cause.message : error.message;
  return new TransientError('remnawave_unreachable', `remnawave ${label}: no answer: ${reason}`, { cause: error });
}

const dotted = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '') || 'its root';

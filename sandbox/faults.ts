/**
 * Scripted failures, shared by every sandbox server:
 *
 *     const faults = createFaults()
 *     createServer(async (request, response) => {
 *       if (await faults.routes(request, response)) return            // GET, POST, DELETE /_sandbox/faults
 *       const verdict = await faults.apply(request, response)
 *       if (verdict === 'handled') return                            // answered, hung or cut: nothing must happen
 *       …do the work…
 *       if (verdict === 'cut-after') return cut(response)            // done, but the caller does not learn of it
 *       …answer…
 *     })
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';

const Scope = {
  /** Only requests whose path contains this text, e.g. `sendMessage`; all without it. */
  path: z.string().optional(),
  /** Only requests with this method; all without it. */
  method: z.enum(['GET', 'POST', 'PATCH', 'PUT', 'DELETE']).optional(),
  /** Strikes this often, then ends. */
  count: z.int().min(1).optional(),
  /** Ends after this many milliseconds. */
  forMs: z.number().min(0).optional(),
  /** Share of the matching requests it strikes, evenly spread: 0.25 strikes exactly every fourth. */
  rate: z.number().min(0).max(1).optional(),
};

const Fault = z.discriminatedUnion('kind', [
  /** Waits, then goes on. Combines with any other fault. */
  z.strictObject({ kind: z.literal('latency'), ms: z.number().min(0), ...Scope }),
  /** Answers with this status and body: by default text that is not JSON, as proxies do. */
  z.strictObject({
    kind: z.literal('error'),
    status: z.int().min(200).max(599).default(502),
    body: z.union([z.string(), z.record(z.string(), z.unknown())]).default('<html>Bad Gateway</html>'),
    ...Scope,
  }),
  /** Too many requests, in the shape that the service uses. */
  z.strictObject({ kind: z.literal('rate_limited'), retryAfterSeconds: z.number().min(0).default(1), ...Scope }),
  /** Never answers. `clear` cuts the hanging requests, and lets late ones go on at once. */
  z.strictObject({ kind: z.literal('hang'), ...Scope }),
  /** Resets the connection before anything happens. */
  z.strictObject({ kind: z.literal('reset'), ...Scope }),
  /** Does the work, then cuts the connection instead of answering. */
  z.strictObject({ kind: z.literal('cut_after'), ...Scope }),
  /** Does the work, then never answers. */
  z.strictObject({ kind: z.literal('hang_after'), ...Scope }),
  /** Does the work, then answers with this status, as the real backend does where it fails after its commit. */
  z.strictObject({ kind: z.literal('error_after'), status: z.int().min(500).max(599).default(500), ...Scope }),
]);

/** The body of `POST /_sandbox/faults` and the argument of `add`. Without `count` and `forMs` a fault stays until cleared. */
export type Fault = z.input<typeof Fault>;

export type Verdict = 'handled' | 'pass' | 'cut-after';

export type Faults = {
  add(fault: Fault): void;
  clear(): void;
  /** How many requests are held by a fault now: they hang, or wait out a latency. */
  held(): number;
  /** Lets the faults strike. `pass`: answer as usual. `cut-after`: do the work, then `cut`. `handled`: nothing left to do. */
  apply(request: IncomingMessage, response: ServerResponse): Promise<Verdict>;
  /** Serves `/_sandbox/faults`; true where the request was for it. */
  routes(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
};

type Armed = { fault: z.output<typeof Fault>; left: number; until: number; owed: number };

/** @param tooManyRequests the service's body of a 429; by default only the `retry-after` header gives the time. */
export function createFaults(options?: { tooManyRequests?: (retryAfterSeconds: number) => object }): Faults {
  const tooManyRequests = options?.tooManyRequests ?? (() => ({ message: 'Too Many Requests' }));
  const hanging = new Set<ServerResponse>();
  /** Lets each request that waits out a latency go on. */
  const late = new Set<() => void>();
  let armed: Armed[] = [];

  const add = (input: Fault): void => {
    const fault = Fault.parse(input);
    const until = fault.forMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + fault.forMs;
    armed.push({ fault, left: fault.count ?? Number.POSITIVE_INFINITY, until, owed: 0 });
  };

  const clear = (): void => {
    armed = [];
    for (const response of hanging) response.destroy();
    hanging.clear();
    for (const goOn of late) goOn();
  };

  const hang = (response: ServerResponse): void => {
    hanging.add(response);
    response.once('close', () => hanging.delete(response));
  };

  const waitOut = async (ms: number): Promise<void> => {
    const { promise: over, resolve: goOn } = Promise.withResolvers<void>();
    const timer = setTimeout(goOn, ms);
    late.add(goOn);
    await over;
    late.delete(goOn);
    clearTimeout(timer);
  };

  const apply = async (request: IncomingMessage, response: ServerResponse): Promise<Verdict> => {
    if (armed.length === 0) return 'pass';
    armed = armed.filter(({ left, until }) => left > 0 && performance.now() < until);
    const struck = armed.filter((one) => strikes(one, request));
    const delayMs = struck.reduce((sum, { fault }) => sum + (fault.kind === 'latency' ? fault.ms : 0), 0);
    if (delayMs > 0) await waitOut(delayMs);
    const fault = struck.find((one) => one.fault.kind !== 'latency')?.fault;
    switch (fault?.kind) {
      case 'error':
        return respond(response, fault.status, fault.body);
      case 'rate_limited':
        response.setHeader('retry-after', Math.ceil(fault.retryAfterSeconds));
        return respond(response, 429, tooManyRequests(fault.retryAfterSeconds));
      case 'hang':
        hang(response);
        return 'handled';
      case 'reset':
        request.socket.resetAndDestroy();
        return 'handled';
      case 'hang_after':
        afterwards.set(response, () => hang(response));
        return 'cut-after';
      case 'error_after':
        afterwards.set(response, () => void respond(response, fault.status, { message: 'Internal server error' }));
        return 'cut-after';
      case 'cut_after':
        return 'cut-after';
      default:
        return 'pass';
    }
  };

  const routes = async (request: IncomingMessage, response: ServerResponse): Promise<boolean> => {
    if (!request.url?.startsWith('/_sandbox/faults')) return false;
    if (request.method === 'DELETE') clear();
    if (request.method === 'POST') {
      const fault = Fault.safeParse(await readJson(request));
      if (!fault.success) {
        respond(response, 400, { error: z.prettifyError(fault.error) });
        return true;
      }
      add(fault.data);
    }
    respond(response, 200, { faults: armed.map(({ fault }) => fault) });
    return true;
  };

  return { add, clear, held: () => hanging.size + late.size, apply, routes };
}

/** What the fault of a request wants in place of its answer, where that is more than the end of the connection. */
const afterwards = new WeakMap<ServerResponse, () => void>();

/** Does in place of the answer what the fault wants: by default it ends the connection. */
export function cut(response: ServerResponse): void {
  const act = afterwards.get(response) ?? (() => response.destroy());
  act();
}

function strikes(one: Armed, { method, url = '' }: IncomingMessage): boolean {
  const { fault } = one;
  if (fault.path !== undefined && !url.includes(fault.path)) return false;
  if (fault.method !== undefined && fault.method !== method) return false;
  one.owed += fault.rate ?? 1;
  // A thousandth of slack: ten times 0.1 must count as 1.
  if (one.owed < 0.999) return false;
  one.owed -= 1;
  one.left -= 1;
  return true;
}

function respond(response: ServerResponse, status: number, body: string | object): 'handled' {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' });
  response.end(text);
  return 'handled';
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}

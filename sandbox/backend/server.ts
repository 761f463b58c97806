import type { IncomingMessage, ServerResponse } from 'node:http';
import { Pool, type PoolClient } from 'pg';
import { verifySignature } from '../../src/clients/cryptobot/webhook.ts';
import { createFaults, cut, type Fault } from '../faults.ts';
import { serveOnLoopback } from '../loopback-server.ts';

export type BackendSandboxOptions = {
  /** The platform's database: the backend changes rows in it. */
  databaseUrl: string;
  /** The token that signs the webhooks. */
  cryptobotToken: string;
  /** 0 (default): any free port. */
  port?: number;
};

/** The outcome of a webhook, in the real backend's words. */
export type Told = { event: string; invoiceId: string; status: string };

export type BackendSandbox = AsyncDisposable & {
  /** Base URL, for `BACKEND_API_URL`. */
  url: string;
  /** Webhooks with a valid signature, in order. */
  told: readonly Told[];
  /** How often each payment had its side effects: commissions, wallet, orders. More than once is a fault of the backend. */
  sideEffects: ReadonlyMap<string, number>;
  /** From now on paid webhooks are answered 200 and ignored, as for an attempt that has ended. */
  ignore(on: boolean): void;
  /** Arms a fault; without one, clears them all. */
  faults(fault?: Fault): void;
};

/** The next states of a payment, its attempt and its order. A paid order stays paid. */
const NEXT = {
  invoice_paid: { payment: 'completed', attempt: 'succeeded', order: 'paid' },
  invoice_expired: { payment: 'failed', attempt: 'expired', order: 'failed' },
} as const;

type Found = { id: string; status: string; attempt_status: string | null };

/** States of attempts that ended without payment. A webhook about them is accepted and ignored. */
const ENDED = new Set(['failed', 'expired', 'cancelled']);

/** A stand-in for the platform's backend: its webhook route, as far as payments go. */
export async function startBackendSandbox(options: BackendSandboxOptions): Promise<BackendSandbox> {
  const pool = new Pool({ connectionString: options.databaseUrl, max: 2 });
  pool.on('connect', (client) => client.on('error', () => undefined));
  const told: Told[] = [];
  const sideEffects = new Map<string, number>();
  const faults = createFaults();
  let isIgnoring = false;

  const handle = async (body: Buffer): Promise<string> => {
    const { update_type: event, payload } = JSON.parse(body.toString()) as {
      update_type: keyof typeof NEXT;
      payload: { invoice_id: number };
    };
    const invoiceId = String(payload.invoice_id);
    const note = (status: string): string => {
      told.push({ event, invoiceId, status });
      return status;
    };
    if (!(event in NEXT)) return note('ignored');
    if (isIgnoring) return note('ignored_terminal_attempt');
    return note(await inTransaction(pool, (client) => settle(client, invoiceId, event)));
  };

  const settle = async (client: PoolClient, invoiceId: string, event: keyof typeof NEXT): Promise<string> => {
    const { rows } = await client.query<Found>(
      `select payment.id, payment.status, attempt.status as attempt_status
         from payments as payment left join payment_attempts as attempt on attempt.payment_id = payment.id
        where payment.external_id = $1`,
      [invoiceId],
    );
    // A webhook that comes before its payment finds no row either; the route answers the same.
    if (rows.length === 0) return 'processed';
    if (rows.some((row) => ENDED.has(row.attempt_status ?? ''))) return 'ignored_terminal_attempt';
    const next = NEXT[event];
    // No row is locked, so a worker may change the same payment at the same time.
    const { rows: changed } = await client.query<{ id: string }>(
      `update payments set status = $2::text, updated_at = now(),
              metadata = case when $2::text = 'failed' and (metadata ->> 'wallet_frozen')::bool
                              then (metadata::jsonb || '{"wallet_frozen": false}')::json else metadata end
        where external_id = $1 and status = 'pending' returning id`,
      [invoiceId, next.payment],
    );
    const ids = changed.map(({ id }) => id);
    await client.query(
      `with attempt as (
         update payment_attempts set status = $2, terminal_at = now(), updated_at = now()
          where payment_id = any($1) returning order_id)
       update orders set settlement_status = $3, updated_at = now()
         from attempt where orders.id = attempt.order_id and settlement_status <> 'paid'`,
      [ids, next.attempt, next.order],
    );
    for (const id of ids) sideEffects.set(id, (sideEffects.get(id) ?? 0) + 1);
    return ids.length > 0 ? 'processed' : 'already_processed';
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await faults.routes(request, response)) return;
    const verdict = await faults.apply(request, response);
    if (verdict === 'handled') return;
    const body = await read(request);
    if (request.url !== '/api/v1/webhooks/cryptobot') return respond(response, 404, {});
    if (request.method !== 'POST') return respond(response, 405, { detail: 'Method Not Allowed' });
    const signature = request.headers['crypto-pay-api-signature'];
    if (!verifySignature(body, typeof signature === 'string' ? signature : undefined, options.cryptobotToken)) {
      return respond(response, 401, { detail: 'Invalid webhook signature' });
    }
    const status = await handle(body);
    if (verdict === 'cut-after') return cut(response);
    respond(response, 200, { status });
  };

  const server = await serveOnLoopback(options.port ?? 0, serve, (response, error) =>
    respond(response, 500, { detail: error.message }),
  );

  return {
    url: server.url,
    told,
    sideEffects,
    ignore(on) {
      isIgnoring = on;
    },
    faults: (fault) => (fault ? faults.add(fault) : faults.clear()),
    async [Symbol.asyncDispose]() {
      await server.stop(() => faults.clear());
      await pool.end();
    },
  };
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function respond(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

import { createHash, createHmac } from 'node:crypto';
import type { Pool } from 'pg';
import { until } from '../../../src/testing/until.ts';

export type Answer = { readonly status: number; readonly body: unknown };
export type InvoiceEvent = 'invoice_paid' | 'invoice_expired';

/** Crypto Pay, as far as it tells the backend of invoices. */
export class CryptoPay {
  readonly #url: string;
  readonly #token: string;

  constructor({ cryptobotToken, url }: { cryptobotToken: string; url: string }) {
    this.#url = url;
    this.#token = cryptobotToken;
  }

  async tell(event: InvoiceEvent, invoiceId: string): Promise<Answer> {
    const payload = { invoice_id: Number(invoiceId), status: event.replace('invoice_', '') };
    const body = JSON.stringify({ update_id: 1, update_type: event, payload });
    const secret = createHash('sha256').update(this.#token).digest();
    const answer = await fetch(`${this.#url}/api/v1/webhooks/cryptobot`, {
      method: 'POST',
      headers: {
        'crypto-pay-api-signature': createHmac('sha256', secret).update(body).digest('hex'),
        connection: 'close',
      },
      body,
    });
    return { status: answer.status, body: await answer.json() };
  }
}

/** Does `act` twice at once: another transaction holds the payment until both have read it and want to write it. */
export async function twiceAtOnce<T>(pool: Pool, paymentId: string, act: () => Promise<T>): Promise<T[]> {
  const holder = await pool.connect();
  try {
    await holder.query('begin');
    await holder.query('select 1 from payments where id = $1 for update', [paymentId]);
    const both = Promise.all([act(), act()]);
    await until('both wait for the payment', async () => {
      const { rows } = await pool.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rows.length === 2;
    });
    await holder.query('rollback');
    return await both;
  } finally {
    holder.release();
  }
}

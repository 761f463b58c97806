import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../../observability/log.ts';
import type { ReceivedWebhook } from '../../repositories/webhook-logs.ts';
import { registerSignedWebhook, type SignedDelivery } from './signed-webhook.ts';

/** What a delivery says: its invoice, where it is about one. */
type CryptobotUpdate = {
  id: string;
  type: string;
  invoice: { id: string; status: string } | undefined;
  /** Why nothing but the id of the invoice could be read. */
  unreadable?: string;
};

export type CryptobotWebhookOptions = {
  /** Whether Crypto Pay signed exactly these bytes. */
  verify(rawBody: Buffer, signature: string | undefined): boolean;
  /** Reads a verified body. Throws for a body that is not an update. */
  read(rawBody: Buffer): CryptobotUpdate;
  /** Stores the delivery in `webhook_logs`. */
  store(webhook: ReceivedWebhook): Promise<void>;
  /** Hands a paid invoice over; several deliveries of one invoice are one job. */
  dispatch(invoiceId: string, rawBody: string, signature: string): Promise<void>;
  log: Log;
};

/**
 * `POST /webhooks/cryptobot`: 200 once the delivery is stored or dispatched, also where only the id of its invoice can be read; 503 when
 * neither PostgreSQL nor Redis took it. `retry_failed_webhooks` finds a delivery that was stored but not dispatched.
 */
export function registerCryptobotWebhook(server: FastifyInstance, options: CryptobotWebhookOptions): void {
  const { dispatch, log, read, store, verify } = options;
  registerSignedWebhook(server, {
    route: '/webhooks/cryptobot',
    sender: 'Crypto Pay',
    header: 'crypto-pay-api-signature',
    realm: 'crypto-pay',
    ...{ accept, log, read, verify },
    refused: (refusal) => store({ id: randomUUID(), isValid: false, eventType: undefined, ...refusal }),
  });

  /** False when the delivery is neither stored nor dispatched. */
  async function accept({ rawBody, signature, update }: SignedDelivery<CryptobotUpdate>): Promise<boolean> {
    const { id: updateId, invoice, type: eventType, unreadable } = update;
    const about = invoice ? { invoiceId: invoice.id, status: invoice.status } : {};
    const stored = await succeeds(
      store({ id: randomUUID(), isValid: true, eventType, signature, updateId, ...about }),
      'webhook not stored',
    );
    // Crypto Pay is asked about such an invoice by the next look for paid ones, which tells the admins what is wrong with it.
    if (unreadable !== undefined)
      log.warn({ invoice_id: invoice?.id, reason: unreadable }, 'invoice in a signed webhook cannot be read');
    if (eventType !== 'invoice_paid' || !invoice || unreadable !== undefined) return stored;
    const dispatched = await succeeds(
      dispatch(invoice.id, rawBody.toString('utf8'), signature),
      'webhook not dispatched, it is found again in webhook_logs',
    );
    return stored || dispatched;
  }

  async function succeeds(work: Promise<void>, otherwise: string): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (err) {
      log.warn({ err }, otherwise);
      return false;
    }
  }
}

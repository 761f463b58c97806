import type { CryptoBotClient } from '../../clients/cryptobot/client.ts';
import { type Invoice, isInvoiceId } from '../../clients/cryptobot/invoice.ts';
import { parseUpdate, verifySignature } from '../../clients/cryptobot/webhook.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Payment } from '../../repositories/payments.ts';

/** Thrown for a webhook body that Crypto Pay did not sign. */
class ForgedWebhookError extends PermanentError {
  override name = 'ForgedWebhookError';

  constructor() {
    super(
      'cryptobot_signature',
      'cryptobot webhook: the signature is missing or wrong for this body; nothing was done',
    );
  }
}

/** The source of truth about an invoice: a body that Crypto Pay signed, or Crypto Pay itself. Nothing else is believed. */
export class CryptobotInvoices {
  readonly #client: CryptoBotClient;
  readonly #token: string;

  constructor(client: CryptoBotClient, token: string) {
    this.#client = client;
    this.#token = token;
  }

  verify(rawBody: Buffer, signature: string | undefined): boolean {
    return verifySignature(rawBody, signature, this.#token);
  }

  /** The invoice in a webhook body. Throws `ForgedWebhookError`, or `PermanentError` where the body is not about an invoice. */
  fromWebhook(rawBody: string, signature: string | undefined): Invoice {
    const bytes = Buffer.from(rawBody, 'utf8');
    if (!this.verify(bytes, signature)) throw new ForgedWebhookError();
    const { invoice, type } = parseUpdate(bytes);
    if (!invoice) throw new PermanentError('cryptobot_schema', `cryptobot webhook: ${type} is not about an invoice`);
    return invoice;
  }

  /** Reads the payment's invoice from Crypto Pay. Throws `PermanentError` where there is none. */
  async of({ id, invoiceId }: Payment, signal: AbortSignal): Promise<Invoice> {
    if (invoiceId === undefined || !isInvoiceId(invoiceId)) {
      const message = `payment ${id}: its external_id ${JSON.stringify(invoiceId ?? null)} is no invoice of Crypto Pay`;
      throw new PermanentError('payment_without_invoice', message);
    }
    const [invoice] = await this.#client.getInvoices([invoiceId], signal);
    if (invoice) return invoice;
    const message = `payment ${id}: Crypto Pay does not know invoice ${invoiceId}; does CRYPTOBOT_TOKEN belong to the app that made it?`;
    throw new PermanentError('payment_invoice_unknown', message);
  }

  /** The invoices among these that Crypto Pay knows, by id. Ids that Crypto Pay never gives are left out. */
  async byId(ids: readonly (string | undefined)[], signal: AbortSignal): Promise<ReadonlyMap<string, Invoice>> {
    const valid = ids.filter((id) => id !== undefined && isInvoiceId(id)) as string[];
    if (valid.length === 0) return new Map();
    const invoices = await this.#client.getInvoices(valid, signal);
    return new Map(invoices.map((invoice) => [invoice.id, invoice]));
  }
}

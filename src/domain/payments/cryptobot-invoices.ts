import type { CryptoBotClient } from '../../clients/cryptobot/client.ts';
import { type Invoice, isInvoiceId } from '../../clients/cryptobot/invoice.ts';
import { parseUpdate, verifySignature } from '../../clients/cryptobot/webhook.ts';
import { PermanentError, TransientError } from '../../lib/errors.ts';
import { holeInWords } from '../../lib/read-each.ts';
import type { Payment } from '../../repositories/payment-row.ts';

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

/** Invoices as Crypto Pay has them, by id. Those in `unreadable` exist there, and nothing else is known about them. */
export type InvoicesById = { known: ReadonlyMap<string, Invoice>; unreadable: ReadonlySet<string> };

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
    const { holes, items } = await this.#client.getInvoices([invoiceId], signal);
    if (items[0]) return items[0];
    if (holes[0]) {
      const message = `payment ${id}: invoice ${invoiceId} cannot be read: ${holeInWords(holes[0])}; nothing is known of it`;
      throw new TransientError('cryptobot_schema', message);
    }
    const message = `payment ${id}: Crypto Pay does not know invoice ${invoiceId}; does CRYPTOBOT_TOKEN belong to the app that made it?`;
    throw new PermanentError('payment_invoice_unknown', message);
  }

  /**
   * Deletes an invoice that was open, so that nobody pays it any more. `paid`: somebody has paid it meanwhile. After a refusal or
   * a lost answer the invoice is read, and decides. Throws where it is still open, or where Crypto Pay does not say.
   */
  async close(id: string, signal: AbortSignal): Promise<'closed' | 'paid'> {
    try {
      await this.#client.deleteInvoice(id, signal);
      return 'closed';
    } catch (error) {
      const { known, unreadable } = await this.byId([id], signal);
      const invoice = known.get(id);
      if (invoice?.status === 'paid') return 'paid';
      if (!unreadable.has(id) && (!invoice || invoice.status === 'expired')) return 'closed';
      throw error;
    }
  }

  /**
   * The invoices among these that Crypto Pay knows, by id. Ids that Crypto Pay never gives are left out. Where an unreadable invoice does
   * not even say its id, every invoice that was not found counts as unreadable.
   */
  async byId(ids: readonly (string | undefined)[], signal: AbortSignal): Promise<InvoicesById> {
    const valid = ids.filter((id) => id !== undefined && isInvoiceId(id)) as string[];
    if (valid.length === 0) return { known: new Map(), unreadable: new Set() };
    const { holes, items } = await this.#client.getInvoices(valid, signal);
    const known = new Map(items.map((invoice) => [invoice.id, invoice]));
    const isNameless = holes.some(({ ids: of }) => of.invoice_id === undefined);
    const odd = isNameless ? valid : holes.map(({ ids: of }) => of.invoice_id!);
    return { known, unreadable: new Set(odd.filter((id) => !known.has(id))) };
  }
}

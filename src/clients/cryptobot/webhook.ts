import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { errorMessage, PermanentError } from '../../lib/errors.ts';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { utf8In } from '../../lib/utf8-in.ts';
import { misfit } from './errors.ts';
import { type Invoice, InvoiceSchema, isInvoiceId, parseExactJson } from './invoice.ts';

/** The header that carries the signature of a delivery. */
export const SIGNATURE_HEADER = 'crypto-pay-api-signature';

/** A delivery of Crypto Pay (https://help.crypt.bot/crypto-pay-api#Update). */
export type Update = {
  id: string;
  /** Crypto Pay documents `invoice_paid` only. */
  type: string;
  requestedAt: Date;
  /** Absent where the update is about something else than an invoice. */
  invoice: Invoice | undefined;
};

/** What Crypto Pay puts into the header: HMAC-SHA256 of these very bytes with SHA-256(token) as key, lower-case hex. */
export function signBody(rawBody: Buffer, token: string): string {
  const key = createHash('sha256').update(token).digest();
  return createHmac('sha256', key).update(rawBody).digest('hex');
}

/** Whether Crypto Pay signed exactly these bytes. Takes as long for a nearly right signature as for a wrong one. */
export function verifySignature(rawBody: Buffer, header: string | undefined, token: string): boolean {
  const expected = Buffer.from(signBody(rawBody, token), 'utf8');
  const given = Buffer.from(header ?? '', 'utf8');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const Envelope = z.object({
  update_id: z.string(),
  // It goes into a column of text, which takes no NUL.
  update_type: z.string().regex(/^\w{1,100}$/),
  request_date: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  payload: z.unknown(),
});

/** What a delivery is about. `unreadable`: its invoice is named, and nothing else of it can be read. */
export type Delivered = Pick<Update, 'id' | 'type'> & {
  invoice: { id: string; status: string } | undefined;
  unreadable?: string;
};

/** With its name, so that a misfit says where. */
const Invoiced = z.object({ payload: InvoiceSchema });

/** An invoice of which only the id is read. */
const Named = Envelope.extend({
  update_type: z.string().regex(/^invoice_\w{1,92}$/),
  payload: z.looseObject({ invoice_id: z.string().refine(isInvoiceId) }),
});

/** Reads what a verified body is about. One odd field of an invoice does not hide which invoice it is. Throws as `parseUpdate` does. */
export function readDelivery(rawBody: Buffer): Delivered {
  try {
    return parseUpdate(rawBody);
  } catch (error) {
    const named = Named.safeParse(jsonOrNothing(rawBody)).data;
    if (!named) throw error;
    const { payload, update_id: id, update_type: type } = named;
    const invoice = { id: payload.invoice_id, status: 'unreadable' };
    return { id, type, invoice, unreadable: errorMessage(error) };
  }
}

/** Reads a body whose signature was verified. Throws `PermanentError` that names what does not fit: the same bytes never will. */
export function parseUpdate(rawBody: Buffer): Update {
  const envelope = Envelope.safeParse(json(rawBody));
  if (!envelope.success) throw unfit(envelope.error);
  const { update_id: id, update_type: type, request_date: requestedAt, payload } = envelope.data;
  if (!type.startsWith('invoice_')) return { id, type, requestedAt, invoice: undefined };
  const invoice = Invoiced.safeParse({ payload });
  if (!invoice.success) throw unfit(invoice.error);
  return { id, type, requestedAt, invoice: invoice.data.payload };
}

function jsonOrNothing(rawBody: Buffer): unknown {
  try {
    return json(rawBody);
  } catch {
    return undefined;
  }
}

function json(rawBody: Buffer): unknown {
  const tooMuch = jsonTextProblem(rawBody);
  if (tooMuch !== undefined) throw new PermanentError('cryptobot_schema', `cryptobot webhook: the body ${tooMuch}`);
  try {
    return parseExactJson(utf8In(rawBody) ?? '');
  } catch {
    // The cause would quote the body.
    const message = `cryptobot webhook: the body of ${rawBody.length} bytes is no JSON in UTF-8`;
    throw new PermanentError('cryptobot_schema', message);
  }
}

function unfit(error: z.ZodError): PermanentError {
  return new PermanentError('cryptobot_schema', misfit('cryptobot webhook: the body', error).message);
}

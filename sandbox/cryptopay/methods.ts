import { z } from 'zod';
import { CreateInvoice, type InvoiceStore } from './invoices.ts';

/** The answer of a method: a result, or an error with Crypto Pay's code (which is also the HTTP status) and name. */
export type Reply = { ok: true; result: unknown } | { ok: false; error: { code: number; name: string } };

export const refuse = (code: number, name: string): Reply => ({ ok: false, error: { code, name } });

/** Lists and counts come as text in a query string and as they are in JSON. */
const GetInvoices = z.object({
  invoice_ids: z
    .string()
    .regex(/^\d+(,\d+)*$/)
    .optional()
    .meta({ error: 'INVOICE_IDS_INVALID' }),
  status: z.enum(['active', 'paid']).optional().meta({ error: 'STATUS_INVALID' }),
  asset: z.string().optional().meta({ error: 'ASSET_INVALID' }),
  fiat: z.string().optional().meta({ error: 'FIAT_INVALID' }),
  offset: z.coerce.number().int().min(0).default(0).meta({ error: 'OFFSET_INVALID' }),
  count: z.coerce.number().int().min(1).max(1000).default(100).meta({ error: 'COUNT_INVALID' }),
});

const DeleteInvoice = z.object({ invoice_id: z.coerce.number().int().min(1).meta({ error: 'INVOICE_ID_INVALID' }) });

/** Answers one method as Crypto Pay does; `fields` come from the query or the body. */
export function callMethod(store: InvoiceStore, method: string, fields: Record<string, unknown>): Reply {
  switch (method) {
    case 'getMe':
      return {
        ok: true,
        result: { app_id: 4242, name: 'Sandbox', payment_processing_bot_username: 'CryptoTestnetBot' },
      };
    case 'createInvoice':
      return createInvoice(store, fields);
    case 'getInvoices':
      return getInvoices(store, fields);
    case 'deleteInvoice':
      return deleteInvoice(store, fields);
    default:
      return refuse(405, 'METHOD_NOT_FOUND');
  }
}

function createInvoice(store: InvoiceStore, fields: Record<string, unknown>): Reply {
  const wanted = CreateInvoice.safeParse(fields);
  if (!wanted.success) return invalid(CreateInvoice, wanted.error);
  const { currency_type, asset, fiat } = wanted.data;
  if (currency_type === 'fiat' && fiat === undefined) return refuse(400, 'FIAT_REQUIRED');
  if (currency_type === 'crypto' && asset === undefined) return refuse(400, 'ASSET_REQUIRED');
  return { ok: true, result: store.create(wanted.data) };
}

function getInvoices(store: InvoiceStore, fields: Record<string, unknown>): Reply {
  const wanted = GetInvoices.safeParse(fields);
  if (!wanted.success) return invalid(GetInvoices, wanted.error);
  const { invoice_ids, status, asset, fiat, offset, count } = wanted.data;
  const ids = invoice_ids === undefined ? undefined : new Set(invoice_ids.split(',').map(Number));
  const fitting = store
    .list()
    .filter((invoice) => ids?.has(invoice.invoice_id) ?? true)
    .filter((invoice) => status === undefined || invoice.status === status)
    .filter((invoice) => asset === undefined || invoice.asset === asset)
    .filter((invoice) => fiat === undefined || invoice.fiat === fiat);
  return { ok: true, result: { items: fitting.slice(offset, offset + count) } };
}

/** Only an invoice that nobody has paid can be deleted. */
function deleteInvoice(store: InvoiceStore, fields: Record<string, unknown>): Reply {
  const wanted = DeleteInvoice.safeParse(fields);
  if (!wanted.success) return invalid(DeleteInvoice, wanted.error);
  const invoice = store.get(wanted.data.invoice_id);
  if (!invoice) return refuse(400, 'INVOICE_NOT_FOUND');
  if (invoice.status === 'paid') return refuse(400, 'INVOICE_ALREADY_PAID');
  store.delete(invoice.invoice_id);
  return { ok: true, result: true };
}

/** The first wrong field decides the error, by the name that stands beside it in the schema. */
function invalid(schema: z.ZodObject, error: z.ZodError): Reply {
  const field = schema.shape[String(error.issues[0]!.path[0])];
  return refuse(400, String((field as z.ZodType).meta()?.error));
}

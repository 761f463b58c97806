import { z } from 'zod';
import { type CryptoPayWorld, NoSuchInvoice } from './world.ts';

export type ControlReply = { status: number; body: object };

const Delivery = {
  update_type: z.string().optional(),
  copies: z.int().min(1).max(1000).optional(),
  delay_ms: z.number().min(0).optional(),
  forged: z.enum(['signature', 'missing', 'body', 'rubbish']).optional(),
};

const Pay = z.strictObject({
  paid_asset: z.string().optional(),
  paid_amount: z.string().optional(),
  webhook: z.union([z.literal(false), z.strictObject(Delivery)]).optional(),
});

const Put = z.strictObject({
  id: z.int().min(1).optional(),
  status: z.enum(['active', 'paid', 'expired']).optional(),
  asset: z.string().optional(),
  fiat: z.string().optional(),
  amount: z.string(),
  payload: z.string().optional(),
  created_at: z.iso.datetime().optional(),
  expiration_date: z.iso.datetime().optional(),
  paid_at: z.iso.datetime().optional(),
});

const Deliver = z.strictObject({ invoice_ids: z.array(z.int()).min(1), ...Delivery });

const Settings = z.strictObject({ webhook_url: z.url().optional(), advance_ms: z.number().min(0).optional() });

/**
 * The sandbox's own routes under `/_sandbox/`: `POST invoices` (any id, amount, status), `GET invoices`, `POST invoices/{id}/pay`,
 * `POST invoices/{id}/expire`, `POST invoices/{id}/spoil` (any fields, as they are), `POST webhooks`, `GET deliveries`, `GET calls`, `POST settings` (`webhook_url`, `advance_ms`).
 * `faults` belongs to the fault engine.
 */
export async function control(world: CryptoPayWorld, route: string, fields: unknown): Promise<ControlReply> {
  try {
    const body = await act(world, route, fields);
    return body ? { status: 200, body } : { status: 404, body: { error: `no route ${route}` } };
  } catch (error) {
    if (error instanceof z.ZodError) return { status: 400, body: { error: z.prettifyError(error) } };
    if (error instanceof NoSuchInvoice) return { status: 404, body: { error: error.message } };
    throw error;
  }
}

async function act(world: CryptoPayWorld, route: string, fields: unknown): Promise<object | undefined> {
  const onInvoice = /^POST invoices\/(\d+)\/(pay|expire|spoil)$/.exec(route);
  if (onInvoice) {
    const id = Number(onInvoice[1]);
    if (onInvoice[2] === 'expire') return { invoice: world.expire(id) };
    if (onInvoice[2] === 'spoil') {
      world.spoil(id, fields as Record<string, unknown>);
      return { invoice: world.invoice(id) };
    }
    const deliveries = await world.pay(id, Pay.parse(fields));
    return { invoice: world.invoice(id), deliveries };
  }
  switch (route) {
    case 'GET invoices':
      return { invoices: world.store.list() };
    case 'POST invoices':
      return { invoice: world.put(Put.parse(fields)) };
    case 'POST webhooks': {
      const { invoice_ids, ...options } = Deliver.parse(fields);
      return { deliveries: await world.deliver(invoice_ids, options) };
    }
    case 'GET deliveries':
      return { deliveries: world.webhooks.deliveries };
    case 'GET calls':
      return { calls: world.calls };
    case 'POST settings': {
      const { webhook_url, advance_ms } = Settings.parse(fields);
      if (webhook_url !== undefined) world.webhooks.url = webhook_url;
      if (advance_ms !== undefined) world.advance(advance_ms);
      return { webhook_url: world.webhooks.url ?? null, now: world.now().toISOString() };
    }
    default:
      return undefined;
  }
}

import type { Customer } from './customer.ts';
import { SHOP_KEY } from './shop.ts';

export const SHOP = { channel: 'web', currency: 'USD' };

export type Wanted = {
  readonly plan_id: string;
  readonly use_wallet?: number;
  readonly code_input?: string;
  readonly partner_code?: string;
};

/** The current way of an application to a payment: quote, session, order, attempt. Resolves to the id of the order. */
export async function order(customer: Customer, wanted: Wanted): Promise<string> {
  const quote = await customer.post<{ id: string }>('/api/v1/quotes/', {
    ...SHOP,
    ...wanted,
    storefront_key: SHOP_KEY,
  });
  const session = await customer.post<{ id: string }>('/api/v1/checkout-sessions/', { quote_session_id: quote.id });
  const made = await customer.post<{ id: string }>('/api/v1/orders/commit', { checkout_session_id: session.id });
  await customer.post('/api/v1/payment-attempts/', { order_id: made.id });
  return made.id;
}

/** A payment's length in days as its row has it; only `period` and `upgrade` bought them for the buyer. */
type OfDays = { days: number };

/**
 * What a payment bought. `period`: days after the current end. `upgrade`: another plan for the days after the order. `addon`: no days.
 * `gift`: a code for somebody else, which the backend issues. `unknown`: a mode that nobody has told us of.
 */
export type Purchase =
  | ({ kind: 'period' } & OfDays)
  | ({ kind: 'upgrade'; isSelected: boolean } & OfDays)
  | ({ kind: 'addon' } & OfDays)
  | ({ kind: 'gift' } & OfDays)
  | ({ kind: 'unknown'; mode: string } & OfDays);

export const PURCHASE_KINDS = [
  'period',
  'upgrade',
  'addon',
  'gift',
  'unknown',
] as const satisfies readonly Purchase['kind'][];
export type PurchaseKind = (typeof PURCHASE_KINDS)[number];

/** The modes that the backend's checkout writes (CyberVPN e8b48e42, `commit_checkout.py` and its callers). */
const MODES = {
  new_purchase: { kind: 'period' },
  order_payment_attempt: { kind: 'period' },
  // A wallet that paid everything, where the checkout named no mode of its own.
  zero_gateway: { kind: 'period' },
  upgrade: { kind: 'upgrade', isSelected: false },
  selected_subscription_upgrade: { kind: 'upgrade', isSelected: true },
  selected_subscription_addons: { kind: 'addon' },
  addon_only: { kind: 'addon' },
  gift_purchase: { kind: 'gift' },
} as const;

/** The longest mode that is quoted to people. */
const QUOTED = 60;

/** Reads `metadata.checkout_mode` and `subscription_days`. A row without a mode is a new purchase, as it is to the backend. */
export function purchaseOf(mode: unknown, days: number): Purchase {
  if (mode === undefined || mode === null) return { kind: 'period', days };
  const known = typeof mode === 'string' && Object.hasOwn(MODES, mode) ? MODES[mode as keyof typeof MODES] : undefined;
  if (known) return { ...known, days };
  const text = typeof mode === 'string' ? mode : JSON.stringify(mode);
  return { kind: 'unknown', mode: text.slice(0, QUOTED), days };
}

/** The modes of a kind, for SQL. */
export const modesOf = (wanted: PurchaseKind): string[] =>
  Object.entries(MODES).flatMap(([mode, { kind }]) => (kind === wanted ? [mode] : []));

/** The modes that buy no time for the buyer's own subscription, for SQL. */
export const OTHER_MODES: readonly string[] = [...modesOf('addon'), ...modesOf('gift')];

/** What messages say of a purchase. */
export const purchaseFacts = ({ days, kind }: Purchase): { bought: PurchaseKind; days: number } => ({
  bought: kind,
  days,
});

/** The days that the buyer's own subscription gets; 0 where something else was bought. */
export function boughtDays({ days, kind }: Purchase): number {
  return (kind === 'period' || kind === 'upgrade') && days > 0 ? days : 0;
}

import { add, divide, FIAT_CURRENCIES, type Money } from '../../lib/money.ts';
import type { PaymentGroup } from '../../repositories/payment-stats.ts';

/** Digits after the point of an average: as many as `payments` stores for coins, cents for the rest (`XTR` are Telegram's stars). */
const digitsOf = (currency: string): number => (FIAT_CURRENCIES.has(currency) || currency === 'XTR' ? 2 : 8);

type CurrencyFigures = { count: number; total: string; average: string };

/** One day's payments. Amounts are decimal text and are never added up over currencies; refunded payments are not counted. */
export type FinancialDay = {
  /** Completed payments by currency. */
  by_currency: Record<string, CurrencyFigures>;
  by_provider: Record<string, { count: number; by_currency: Record<string, CurrencyFigures> }>;
  /** By what was bought: `period`, `upgrade`, `addon`, `gift`, `unknown`. */
  by_purchase: Record<string, { count: number; by_currency: Record<string, CurrencyFigures> }>;
  /** Sold plans by display name; `none` without a plan. A gift and an add-on are no sale of a plan to the buyer. */
  by_plan: Record<string, { count: number; by_currency: Record<string, CurrencyFigures> }>;
  total_count: number;
  failed_count: number;
  pending_count: number;
  /** Failed payments as a share of all that ended, 0 to 1; null where none ended. */
  failure_rate: number | null;
};

/** Adds the groups up to the figures of their day. */
export function financialDay(groups: readonly PaymentGroup[]): FinancialDay {
  const countOf = (status: PaymentGroup['status']): number =>
    groups.filter((group) => group.status === status).reduce((sum, { payments }) => sum + payments, 0);
  const completed = groups.filter(({ status }) => status === 'completed');
  const total = countOf('completed');
  const failed = countOf('failed');
  return {
    by_currency: byCurrency(completed),
    by_provider: each(completed, ({ provider }) => provider),
    by_purchase: each(completed, ({ bought }) => bought),
    by_plan: each(completed.filter(isPlanSale), ({ plan }) => plan ?? 'none'),
    total_count: total,
    failed_count: failed,
    pending_count: countOf('pending'),
    failure_rate: total + failed === 0 ? null : Math.round((failed / (total + failed)) * 10_000) / 10_000,
  };
}

const isPlanSale = ({ bought }: PaymentGroup): boolean => bought === 'period' || bought === 'upgrade';

function each(groups: readonly PaymentGroup[], nameOf: (group: PaymentGroup) => string): FinancialDay['by_plan'] {
  const named = [...Map.groupBy(groups, nameOf)];
  return Object.fromEntries(
    named.map(([name, members]) => [
      name,
      { count: members.reduce((sum, { payments }) => sum + payments, 0), by_currency: byCurrency(members) },
    ]),
  );
}

function byCurrency(groups: readonly PaymentGroup[]): Record<string, CurrencyFigures> {
  const sums = new Map<string, { count: number; total: Money }>();
  for (const { payments, total } of groups) {
    const before = sums.get(total.currency);
    sums.set(total.currency, {
      count: (before?.count ?? 0) + payments,
      total: before ? add(before.total, total) : total,
    });
  }
  const figures = [...sums].map(([currency, { count, total }]) => {
    return [currency, { count, total: total.amount, average: divide(total, count, digitsOf(currency)).amount }];
  });
  return Object.fromEntries(figures);
}

import { type Money, minusShare } from './money.ts';

/** A customer counts as renewed who bought time within so many days of the first message of a campaign's period. */
export const EARNED_DAYS = 7;

/** Some customers of a campaign, how many of them renewed, and what they paid, by currency. */
export type CampaignGroup = {
  customers: number;
  renewed: number;
  income: readonly Money[];
};

/** Those who were written to, and those who got nothing by choice. */
export type CampaignGroups = { told: CampaignGroup; heldOut: CampaignGroup };

export type CampaignEarned = {
  /** Renewals that there would not have been, to one digit. */
  renewals: number;
  /** The same in money, by currency, to two digits. Negative where those who got nothing paid more. */
  income: readonly Money[];
};

/**
 * What a campaign earned: what those who were written to paid, less what as many of those who got nothing paid. Undefined without a
 * holdout, or where nobody was written to: there is nothing to compare.
 */
export function earnedBy({ heldOut, told }: CampaignGroups): CampaignEarned | undefined {
  if (told.customers === 0 || heldOut.customers === 0) return undefined;
  const share = told.customers / heldOut.customers;
  const currencies = [...new Set([...told.income, ...heldOut.income].map(({ currency }) => currency))].sort((a, b) =>
    a < b ? -1 : 1,
  );
  const of = ({ income }: CampaignGroup, currency: string): Money =>
    income.find((one) => one.currency === currency) ?? { amount: '0', currency };
  return {
    renewals: Math.round((told.renewed - heldOut.renewed * share) * 10) / 10,
    income: currencies.map((currency) =>
      minusShare(of(told, currency), of(heldOut, currency), { of: heldOut.customers, by: told.customers, digits: 2 }),
    ),
  };
}

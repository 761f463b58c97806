import type { CampaignEarned, CampaignGroups } from '../lib/campaign-earnings.ts';
import type { Html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';

/** One report: a UTC day, or the Sunday that ends the week. */
export type AskedReport = { kind: 'day' | 'week'; date: string };

/** `missing`: nobody worked it out. `before_first`: the worker was not there yet, or does not remember; only some are known then. */
export type ShownState = 'kept' | 'missing' | 'before_first' | 'not_over';

/** One figure of a report. */
export type ShownFigure = {
  name: string;
  label: Readonly<Record<Locale, string>>;
  /** `share`: from 0 to 1. `percent`: from 0 to 100. */
  unit: 'count' | 'bytes' | 'share' | 'percent';
  /** Null where it is not known. */
  value: number | null;
  /** The view that lists what it counts. */
  list: string;
};

/** What one campaign earned within its customers' seven days; `earned` is undefined where nobody was held out. */
export type ShownCampaign = { id: string; name: string; groups: CampaignGroups; earned: CampaignEarned | undefined };

export type ShownDay = { date: string; state: ShownState; figures: readonly ShownFigure[] };

export type ShownReport = {
  /** The first day. */
  from: string;
  state: ShownState;
  figures: readonly ShownFigure[];
  /** By currency; undefined where it is not known. */
  income: readonly { currency: string; count: number; total: string }[] | undefined;
  /** In a week, of those whom campaigns first wrote to in the week before. None in a day; undefined where it is not known. */
  campaigns: readonly ShownCampaign[] | undefined;
};

/** Reports of the past, as they are kept: nothing is worked out anew. */
export type ReportsContext = {
  read(report: AskedReport, now: Date): Promise<ShownReport>;
  /** In the order of the dates. */
  days(dates: readonly string[], now: Date): Promise<readonly ShownDay[]>;
  /** As it would be sent now. Undefined for a day of which nothing is kept. */
  text(report: AskedReport, now: Date, locale: Locale): Promise<Html | undefined>;
  /** A PNG. */
  picture(report: AskedReport, locale: Locale): Promise<Uint8Array>;
};

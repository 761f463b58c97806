import type { Locale } from '../../lib/locale.ts';

/** In every language, with the marks that `lib/marks.ts` reads. */
type Marked = Readonly<Record<Locale, string>>;

/** An alert of a rule of Prometheus in Russian. `{label}` is a label of the alert, `{value}` its annotation of that name. */
export type RuleTexts = Readonly<Record<'summary' | 'description' | 'action', string>>;

/** What one page says of an alert. Its name is that of the alert, or of the first one. */
export type Runbook = {
  /** Alerts whose names are made of that of the page and of what they are about, where some are known before. */
  readonly also?: readonly string[];
  readonly means: Marked;
  readonly look: Marked;
  readonly act: Marked;
  /** A paragraph below. */
  readonly more?: Marked;
  /** The rules of Prometheus that it is about. Their English texts stand in the rules. */
  readonly rules?: Readonly<Record<string, RuleTexts>>;
};

/** Ties the names of some pages to their texts. */
export const runbooks = <const N extends string>(pages: Readonly<Record<N, Runbook>>): Readonly<Record<N, Runbook>> =>
  pages;

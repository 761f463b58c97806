import type { Locale } from '../lib/locale.ts';

type Text = Readonly<Record<Locale, string>>;

/** What a page says of an alert, with the marks that `lib/marks.ts` reads. */
export type ShownRunbook = Readonly<Record<'means' | 'look' | 'act', Text>> & {
  readonly more?: Text;
  /** The alerts that it is about. */
  readonly names: readonly string[];
};

/** What to do about alerts. */
export type RunbooksContext = {
  /** By the kind of an alert, or the name of a rule of Prometheus. */
  find(alert: string): ShownRunbook | undefined;
  /** By what the page of an alert is found; undefined where it has none. */
  nameOf(alert: { kind: string; id?: string }): string | undefined;
  /** All pages by name. */
  groups: readonly { readonly title: Text; readonly pages: readonly string[] }[];
};

/** Where the console has the page of this name. */
export const runbookPath = (name: string): string => `/runbooks/${encodeURIComponent(name)}`;

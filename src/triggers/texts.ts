import { TEXT_NAMES, type TextName } from '../lib/customer-texts.ts';
import type { Locale } from '../lib/locale.ts';
import type { TextVersion } from '../repositories/history/customer-text-rows.ts';

/** A text that somebody would put in the place of another. */
type Proposed = { name: TextName; locale: Locale; text: string };

/** What holds for one text in one language. */
export type TextState = {
  name: TextName;
  locale: Locale;
  from: 'page' | 'folder' | 'built_in';
  text: string | undefined;
  /** The newest version of the page; without a text it was taken back. */
  version: TextVersion | undefined;
  /** The file of TEXTS_DIR that has this text. */
  file: (Proposed & { file: string }) | undefined;
  /** Why the owner's text is not in force though there is one. */
  why: string | undefined;
};

/**
 * Texts to customers as doors see them. Their versions are kept in our own schema: `HistoryContext.missing` is asked before anything is
 * saved or looked up.
 */
export type TextsContext = {
  find(name: TextName, locale: Locale, version: number): Promise<TextVersion | undefined>;
  /** A text as customers of every kind would read it, by their names; the last one is known the least. */
  preview(proposed: Proposed): readonly { username: string; text: string }[];
  /** Answers the version; undefined where somebody has saved another one since version `after`. */
  save(proposed: Omit<TextVersion, 'at' | 'version'> & { after?: number | undefined }): Promise<number | undefined>;
  states(): Promise<{
    states: readonly TextState[];
    /** Files of the folder that are no texts. */
    stray: readonly { file: string; why: 'name' | 'unreadable' }[];
  }>;
  /** The newest first, of both languages. Throws where our schema is not there. */
  versions(name: TextName, limit: number): Promise<TextVersion[]>;
  /** Why a text cannot be used, in the language of its author. */
  whyWrong(proposed: Proposed, reader: Locale): string | undefined;
};

/** Versions that are listed of one text. */
export const VERSIONS_LISTED = 100;

/** How often a process looks for changed texts, at most, in seconds. `customer-texts.ts` keeps to it. */
export const TEXTS_KNOWN_WITHIN_SECONDS = 10;

export const isKnownText = (name: string): name is TextName => (TEXT_NAMES as readonly string[]).includes(name);

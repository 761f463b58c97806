import type { CustomerTexts } from '../domain/texts/customer-texts.ts';
import { TEXT_NAMES, type TextName } from '../messages/customer-texts.ts';

/**
 * Texts to customers as doors see them. What is kept of them needs our own schema: `HistoryContext.missing` is asked before anything is
 * saved or looked up.
 */
export type TextsContext = Pick<CustomerTexts, 'find' | 'preview' | 'save' | 'states' | 'versions' | 'whyWrong'>;

/** Versions that are listed of one text. */
export const VERSIONS_LISTED = 100;

/** How often a process looks for changed texts, at most, in seconds. `customer-texts.ts` keeps to it. */
export const TEXTS_KNOWN_WITHIN_SECONDS = 10;

export const isKnownText = (name: string): name is TextName => (TEXT_NAMES as readonly string[]).includes(name);

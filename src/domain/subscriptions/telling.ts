import type { Locale } from '../../lib/locale.ts';

/** The reader's language, and how a moment is told at the reader's clock. */
export type Telling = { locale: Locale; time(at: Date): string };

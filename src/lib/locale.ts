/** The languages of every text that people read. */
export type Locale = 'en' | 'ru';

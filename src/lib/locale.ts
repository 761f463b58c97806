/** Languages of everything that people read. */
export type Locale = 'en' | 'ru';

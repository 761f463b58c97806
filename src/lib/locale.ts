/** The languages of every text that people read. */
export const LOCALES = ['en', 'ru'] as const;
export type Locale = (typeof LOCALES)[number];

/** The language for a tag such as `ru`, `ru-RU` or `RU`; `fallback` where no text is written in it. */
export function localeFor(language: string | undefined, fallback: Locale): Locale {
  const short = language?.slice(0, 2).toLowerCase();
  return LOCALES.find((locale) => locale === short) ?? fallback;
}

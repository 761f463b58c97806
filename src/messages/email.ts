import type { EmailTextName } from '../lib/customer-texts.ts';
import type { Locale } from '../lib/locale.ts';
import { howMany } from '../lib/quantities.ts';
import { plainTemplate } from '../lib/text-template.ts';
import { BUILT_IN_WORDING, type Wording } from './wording.ts';

export type EmailText = { subject: string; text: string; html: string; locale: Locale };

/** `ru-RU`, `ru_RU`, `ru` and `RU` are Russian; everything else is English, which more people read. */
export function emailLocale(locale: string): Locale {
  return /^ru(?![a-z])/i.test(locale) ? 'ru' : 'en';
}

const VALID_MINUTES = 10;

/** A code to confirm an e-mail address. */
export const otpEmail = (code: string, locale: Locale, wording: Wording = BUILT_IN_WORDING): EmailText =>
  compose('email_code', { code }, locale, wording);

/** A code to set a new password. */
export const passwordResetEmail = (code: string, locale: Locale, wording: Wording = BUILT_IN_WORDING): EmailText =>
  compose('email_password', { code }, locale, wording);

/** A link to sign in, and where there is one also a code. */
export function magicLinkEmail(
  link: string,
  code: string,
  locale: Locale,
  wording: Wording = BUILT_IN_WORDING,
): EmailText {
  const orCode = { en: 'Or enter this code:', ru: 'Или введите код:' }[locale];
  const withCode = code === '' ? {} : { or_code: orCode, code_too: code };
  return compose('email_link', { link, ...withCode }, locale, wording);
}

type Part = { text: string; html: string };

const paragraph = (text: string): Part => ({ text, html: `<p>${escaped(text)}</p>` });
const codeBlock = (code: string): Part => ({
  text: code,
  html: `<p style="font:600 28px/1.2 monospace;letter-spacing:4px">${escaped(code)}</p>`,
});

const button = (link: string, locale: Locale): Part => ({
  text: link,
  html: `<p><a href="${escaped(link)}">${escaped({ en: 'Sign in', ru: 'Войти' }[locale])}</a></p>`,
});

/** A paragraph that is nothing but the code or the link is drawn as such. */
function partOf(
  paragraphTemplate: string,
  { code, code_too: codeToo, link }: EmailValues,
  locale: Locale,
): Part | undefined {
  const alone = paragraphTemplate.trim();
  if (alone === '{code}' && code !== undefined) return codeBlock(code);
  if (alone === '{code_too}' && codeToo !== undefined) return codeBlock(codeToo);
  return alone === '{link}' && link !== undefined ? button(link, locale) : undefined;
}

type EmailValues = { code?: string; code_too?: string; link?: string; or_code?: string };

function compose(name: EmailTextName, values: EmailValues, locale: Locale, wording: Wording): EmailText {
  const valid = howMany(VALID_MINUTES, 'minute', locale);
  const { house } = wording;
  const given = { brand: house.brand, support_url: house.supportUrl, valid_for: valid, ...values };
  const filled = (template: string): string => plainTemplate(template, given);
  const [subjectLine = '', ...paragraphs] = wording.template(name, locale).split('\n\n');
  const subject = filled(subjectLine).replaceAll(/\s+/g, ' ').trim();
  const parts = paragraphs.flatMap((template) => {
    const part = partOf(template, values, locale) ?? paragraph(filled(template));
    return part.text.trim() === '' ? [] : [part];
  });
  const body = parts.map((part) => part.html).join('\n');
  const html = `<!doctype html>\n<html lang="${locale}"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head>\n<body style="font:16px/1.5 sans-serif;color:#1a1a2e;max-width:32em;margin:2em auto;padding:0 1em">\n${body}\n</body></html>\n`;
  return { subject, text: `${parts.map((part) => part.text).join('\n\n')}\n`, html, locale };
}

/** E-mail is full HTML, where a quote in an attribute matters too. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

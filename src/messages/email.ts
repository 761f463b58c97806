import type { Locale } from '../lib/locale.ts';
import { howMany } from '../lib/quantities.ts';

export type EmailText = { subject: string; text: string; html: string; locale: Locale };

/** `ru-RU`, `ru_RU`, `ru` and `RU` are Russian; everything else is English, which more people read. */
export function emailLocale(locale: string): Locale {
  return /^ru(?![a-z])/i.test(locale) ? 'ru' : 'en';
}

const VALID_MINUTES = 10;

const WORDS = {
  en: {
    otp: { subject: 'Your CyberVPN code', lead: 'Your confirmation code:' },
    link: {
      subject: 'Sign in to CyberVPN',
      lead: 'Open this link to sign in:',
      button: 'Sign in',
      code: 'Or enter this code:',
    },
    reset: { subject: 'Reset your CyberVPN password', lead: 'Your code to set a new password:' },
    valid: `It is valid for ${howMany(VALID_MINUTES, 'minute', 'en')}. Never tell it to anybody.`,
    ignore: 'If you did not ask for this, you can ignore this message.',
  },
  ru: {
    otp: { subject: 'Ваш код CyberVPN', lead: 'Ваш код подтверждения:' },
    link: {
      subject: 'Вход в CyberVPN',
      lead: 'Откройте эту ссылку, чтобы войти:',
      button: 'Войти',
      code: 'Или введите код:',
    },
    reset: { subject: 'Сброс пароля CyberVPN', lead: 'Ваш код для нового пароля:' },
    valid: `Действует ${howMany(VALID_MINUTES, 'minute', 'ru')}. Никому его не сообщайте.`,
    ignore: 'Если вы этого не запрашивали, просто проигнорируйте это письмо.',
  },
} as const;

/** A code to confirm an e-mail address. */
export function otpEmail(code: string, locale: Locale): EmailText {
  const { subject, lead } = WORDS[locale].otp;
  return compose(subject, [paragraph(lead), codeBlock(code)], locale);
}

/** A code to set a new password. */
export function passwordResetEmail(code: string, locale: Locale): EmailText {
  const { subject, lead } = WORDS[locale].reset;
  return compose(subject, [paragraph(lead), codeBlock(code)], locale);
}

/** A link to sign in, and where there is one also a code. */
export function magicLinkEmail(link: string, code: string, locale: Locale): EmailText {
  const { button, code: orCode, lead, subject } = WORDS[locale].link;
  const parts = [paragraph(lead), { text: link, html: `<p><a href="${escaped(link)}">${escaped(button)}</a></p>` }];
  return compose(subject, code === '' ? parts : [...parts, paragraph(orCode), codeBlock(code)], locale);
}

type Part = { text: string; html: string };

const paragraph = (text: string): Part => ({ text, html: `<p>${escaped(text)}</p>` });
const codeBlock = (code: string): Part => ({
  text: code,
  html: `<p style="font:600 28px/1.2 monospace;letter-spacing:4px">${escaped(code)}</p>`,
});

function compose(subject: string, parts: readonly Part[], locale: Locale): EmailText {
  const { ignore, valid } = WORDS[locale];
  const all = [...parts, paragraph(valid), paragraph(ignore)];
  const body = all.map((part) => part.html).join('\n');
  const html = `<!doctype html>\n<html lang="${locale}"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head>\n<body style="font:16px/1.5 sans-serif;color:#1a1a2e;max-width:32em;margin:2em auto;padding:0 1em">\n${body}\n</body></html>\n`;
  return { subject, text: `${all.map((part) => part.text).join('\n\n')}\n`, html, locale };
}

/** E-mail is full HTML, where a quote in an attribute matters too. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

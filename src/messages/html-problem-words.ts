import type { Locale } from '../lib/locale.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { type HtmlProblem, telegramHtmlProblem } from '../lib/telegram-html-problem.ts';
import { partsOf } from './size.ts';
import { MAX_MESSAGE_LENGTH } from './split.ts';

type Words = Readonly<Record<Locale, (problem: HtmlProblem) => string>>;

/** Why Telegram would not take a text as it is meant, and what to do, in words that go behind the name of its field. */
const WORDS: Readonly<Record<HtmlProblem['kind'], Words>> = {
  bare_less: {
    en: ({ line, what }) => `has a < in line ${line} that begins no tag (${what}): write &lt; for the sign itself`,
    ru: ({ line, what }) => `содержит < в строке ${line}, который не начинает тег (${what}): сам знак пишется &lt;`,
  },
  tag_unknown: {
    en: ({ line, what }) =>
      `has ${what} in line ${line}, which Telegram does not know: b, i, u, s, a, code, pre, blockquote and tg-spoiler are left; a line break is a line break`,
    ru: ({ line, what }) =>
      `содержит ${what} в строке ${line}: такого тега Telegram не знает; есть b, i, u, s, a, code, pre, blockquote и tg-spoiler, а перенос строки — это просто новая строка`,
  },
  tag_unclosed: {
    en: ({ line, what }) => `opens ${what} in line ${line} and never closes it: add the end tag`,
    ru: ({ line, what }) => `открывает ${what} в строке ${line} и не закрывает: добавьте закрывающий тег`,
  },
  tag_unopened: {
    en: ({ line, what }) => `closes ${what} in line ${line}, which nothing opened: remove it or add its beginning`,
    ru: ({ line, what }) => `закрывает ${what} в строке ${line}, хотя он не открыт: уберите его или добавьте начало`,
  },
  tag_crossed: {
    en: ({ line, what }) =>
      `closes tags in another order than it opened them in line ${line} (${what}): close the last one first`,
    ru: ({ line, what }) =>
      `закрывает теги не в том порядке в строке ${line} (${what}): последний открытый закрывается первым`,
  },
  tag_cut: {
    en: ({ line, what }) =>
      `has a tag in line ${line} that does not end as it should (${what}): write it as <b>…</b> or <a href="…">…</a>`,
    ru: ({ line, what }) =>
      `содержит в строке ${line} незаконченный тег (${what}): нужно <b>…</b> или <a href="…">…</a>`,
  },
  attribute: {
    en: ({ line, what }) =>
      `has ${what} in line ${line} with an attribute that Telegram does not take there: leave it out`,
    ru: ({ line, what }) =>
      `содержит в строке ${line} тег ${what}, атрибут которого Telegram там не принимает: уберите его`,
  },
  entity: {
    en: ({ line, what }) =>
      `has ${what} in line ${line}, which Telegram shows as it is written: use &lt; &gt; &amp; &quot; or the character itself`,
    ru: ({ line, what }) =>
      `содержит ${what} в строке ${line}, что Telegram покажет как есть: есть &lt; &gt; &amp; &quot;, остальное пишется самим знаком`,
  },
  link: {
    en: ({ line, what }) =>
      `has a link in line ${line} to no address that Telegram opens (${what}): it must begin with https://, http:// or tg://`,
    ru: ({ line, what }) =>
      `содержит в строке ${line} ссылку не на адрес, который открывает Telegram (${what}): нужен https://, http:// или tg://`,
  },
};

export function htmlProblemIn(text: string, locale: Locale): string | undefined {
  const problem = telegramHtmlProblem(text);
  return problem && WORDS[problem.kind][locale](problem);
}

/** What a reader does not see. */
const UNSEEN = /[\s\p{Cc}\p{Cf}\u2800\u3164\ufeff\ufffc]/gu;

/** Whether a text shows anything. */
export const showsNothing = (seen: string): boolean => seen.replaceAll(UNSEEN, '') === '';

/** Why a message of ours cannot leave as one message, in English; undefined where it can. */
export function unsendable(html: string): string | undefined {
  const wrong = htmlProblemIn(html, 'en');
  if (wrong !== undefined) return wrong;
  const seen = visibleText(html);
  if (showsNothing(seen)) return 'shows nothing';
  return partsOf(html, 'HTML').length > 1
    ? `is more than one message of ${MAX_MESSAGE_LENGTH} characters: it has ${seen.length}`
    : undefined;
}

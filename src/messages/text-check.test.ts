import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import { CUSTOMER_TEXTS, TEXT_NAMES, type TextName } from '../lib/customer-texts.ts';
import { LOCALES } from '../lib/locale.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { telegramHtmlProblem } from '../lib/telegram-html-problem.ts';
import { MOST_TEXT_LENGTH, whyWrongText } from './text-check.ts';
import { SAMPLE_NAMES, sampleText } from './text-samples.ts';
import { BUILT_IN_WORDING as wording } from './wording.ts';

const now = new Date('2026-12-23T05:00:00Z');
const why = (text: string, name: TextName = 'reminder', reader: 'en' | 'ru' = 'en') =>
  whyWrongText({ name, locale: 'en', text }, { now, reader, wording });

test('every built-in text passes its own check, and with every value Telegram takes it', () => {
  for (const name of TEXT_NAMES) {
    for (const locale of LOCALES) {
      const text = CUSTOMER_TEXTS[name].builtIn[locale];
      expect([name, whyWrongText({ name, locale, text }, { now, reader: 'en', wording })]).toEqual([name, undefined]);
      for (const username of SAMPLE_NAMES) {
        const sent = sampleText(name, { username, isBare: false }, { locale, now, wording });
        expect(parseHtml(sent).ok).toBe(true);
      }
    }
  }
});

describe('a broken text is refused, with what to do', () => {
  const LONG = 'word '.repeat(900);
  test.each<[way: string, text: string, said: RegExp, name?: TextName]>([
    ['a tag that is never closed', '<b>Hello {username}', /opens <b> in line 1 and never closes it: add the end tag/],
    ['a tag that Telegram does not know', 'Hi<br>there', /has <br> in line 1, which Telegram does not know/],
    ['an entity that Telegram does not know', 'one\n5&nbsp;GB', /has &nbsp; in line 2, .*use &lt; &gt; &amp; &quot;/],
    ['a variable that the text does not have', 'Hi {user_name}', /names {user_name}, .*did you mean {username}\?/],
    ['without a variable that it needs', 'Pay now', /lacks {pay_url}, without which/, 'renewal_invoice'],
    ['too long with the longest names', LONG, /becomes \d+ characters .* at most: shorten it/],
    ['too long as it is written', 'x'.repeat(MOST_TEXT_LENGTH + 1), /at most 8000 are kept: shorten it/],
    ['nothing', ' \n\u200b ', /is empty: take the built-in text back instead/],
    ['a link to no address', '<a href="renew me">Renew</a>', /a link in line 1 to no address .*must begin with https/],
    ['a link to a script', '<a href="javascript:alert(1)">Renew</a>', /to no address that Telegram opens/],
    ['an attribute', '<b style="color:red">!</b>', /with an attribute that Telegram does not take there: leave it out/],
    ['U+0000', 'a\0b', /must not contain the character U\+0000/],
    ['half a surrogate pair', 'a\ud83db', /half of a surrogate pair/],
    ['a bare <', 'a < b', /has a < in line 1 that begins no tag .*write &lt;/],
    ['crossed tags', '<b><i>x</b></i>', /in another order .*: close the last one first/],
    ['an end without a beginning', 'x</b>', /closes <\/b> in line 1, which nothing opened/],
    ['a tag without an end', 'x <b', /has a tag in line 1 that does not end as it should/],
    ['a brace that names nothing', 'Hi {user name}', /a brace that names nothing \({user name}\)/],
    ['a piece with tags within a tag', '<a href="{renew_line}">x</a>', /has {renew_line} within a tag/],
    [
      'half of a tag in a line that may be left out',
      'Hi <b>\n{plan}</b>',
      /is left out where {plan}/,
      'payment_failed',
    ],
    ['nothing where little is known', '{plan}', /shows nothing to a customer of whom the least/, 'payment_failed'],
    ['an e-mail of one line', 'Your code {code}', /needs a subject in its first line/, 'email_code'],
    ['an e-mail without its code', 'Code\n\nHello', /lacks {code}/, 'email_code'],
    ['an e-mail whose subject is a text', `${'s'.repeat(151)}\n\n{code}`, /a subject of 151 characters/, 'email_code'],
  ])('%s', (_way, text, said, name) => {
    expect(why(text, name)).toMatch(said);
    expect(why(text, name, 'ru')).toMatch(/[а-я]/);
  });

  test.each([
    '{icon} <b>{username}</b>, {time_left}',
    'a > b &amp; c &lt; d & e &#128274;',
    '<a href="{renew_url}">Renew</a>\nor later',
    '<a href="tg://resolve?domain=x">x</a><tg-spoiler>y</tg-spoiler><blockquote expandable>z</blockquote>',
    '<pre><code class="language-sh">ls</code></pre><span class="tg-spoiler">s</span>',
    '{brand}\n{support_url}',
    '\u202bשלום {username}\u202c',
  ])('%j is no broken text', (text) => {
    expect(why(text)).toBeUndefined();
  });
});

test('what the check lets pass Telegram takes as it is meant', () => {
  const piece = fc.oneof(
    fc.constantFrom('<b>', '</b>', '<i>', '</i>', '<a href="https://t.me/x?a=1&amp;b=2">', "<a href='x y'>", '</a>'),
    fc.constantFrom('<br>', '<', '>', '&', '&lt;', '&amp', '&#65;', '&#xd800;', '&#1114111;', '&x;', '<b', '</', '"'),
    fc.constantFrom('<span>', '<span class="tg-spoiler">', '</span>', '<code class="language-c++">', '</code>', '<B >'),
    fc.string({ unit: 'grapheme', maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      fc.pre(telegramHtmlProblem(text) === undefined && text.isWellFormed());
      expect(parseHtml(text)).toEqual({ ok: true, visible: visibleText(text) });
    }),
    { numRuns: 2_000 },
  );
});

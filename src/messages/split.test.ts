import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEntities, parseHtml } from '../../sandbox/telegram/entities.ts';
import { html } from '../lib/html.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { MAX_MESSAGE_BYTES, MAX_MESSAGE_LENGTH, split, splitHtml, splitPlain } from './split.ts';

const dots = (count: number) => '.'.repeat(count);

test('a message that fits stays as it is', () => {
  expect(split('<b>short</b>')).toEqual(['<b>short</b>']);
  expect(split(dots(MAX_MESSAGE_LENGTH))).toHaveLength(1);
  expect(split('&lt;'.repeat(MAX_MESSAGE_LENGTH))).toHaveLength(1);
});

test('a paragraph is the best place to cut, then a line, then a word', () => {
  expect(split('aaaaaa\n\nbb\nb bb', 11)).toEqual(['aaaaaa\n\n', 'bb\nb bb']);
  expect(split('aaaaaa\nbb b', 10)).toEqual(['aaaaaa\n', 'bb b']);
  expect(split('aaa aaa bbbb', 10)).toEqual(['aaa aaa ', 'bbbb']);
  expect(split('aaaaaaaaaaaa', 10)).toEqual(['aaaaaaaaaa', 'aa']);
});

test('a paragraph that ends early is no reason for a short part', () => {
  expect(split('a\n\nbbbb bb bbbb', 10)).toEqual(['a\n\nbbbb ', 'bb bbbb']);
});

test('open tags are closed at a cut and opened again behind it', () => {
  expect(split('<b>aaaa <a href="https://example.org">bbbb cccc</a></b>', 11)).toEqual([
    '<b>aaaa <a href="https://example.org">bbbb </a></b>',
    '<b><a href="https://example.org">cccc</a></b>',
  ]);
});

test('a tag that ends at the cut is not opened again', () => {
  expect(split('<b>aaaaa</b><i>bbbbb</i>', 5)).toEqual(['<b>aaaaa</b>', '<i>bbbbb</i>']);
});

test('entities and surrogate pairs stay whole', () => {
  expect(split('&lt;&amp;&gt;', 2)).toEqual(['&lt;&amp;', '&gt;']);
  expect(split('a🔒🔒', 2)).toEqual(['a', '🔒', '🔒']);
  expect(split('a&#128274;', 2)).toEqual(['a', '&#128274;']);
});

test('whitespace never makes a message of its own', () => {
  expect(split(`a${' '.repeat(30)}b`, 10)).toHaveLength(2);
  expect(split(' '.repeat(30), 10)).toEqual(['']);
});

const leaf = fc
  .string({ unit: fc.constantFrom('a', 'б', ' ', '\n', '🔒', '<', '&', '"', '🇷🇺'), maxLength: 40 })
  .map((text) => html`${text}`.toString());
const { markup } = fc.letrec<{ markup: string; element: string }>((tie) => ({
  markup: fc
    .array(fc.oneof({ withCrossShrink: true, maxDepth: 4 }, leaf, tie('element')), { maxLength: 8 })
    .map((all) => all.join('')),
  element: fc
    .tuple(
      fc.constantFrom('b', 'i', 'code', 'a href="https://example.org/?a&gt;b"', 'span class="tg-spoiler"'),
      tie('markup'),
    )
    .map(([tag, inner]) => `<${tag}>${inner}</${tag.split(' ')[0]}>`),
}));

test('every part of any message is taken by Telegram, is short enough, and no visible text is lost', () => {
  fc.assert(
    fc.property(markup, fc.integer({ min: 4, max: 60 }), (message, maxLength) => {
      const parts = split(message, maxLength);
      const visible = parts.map((part) => {
        const parsed = parseHtml(part);
        return parsed.ok ? parsed.visible : expect.fail(`${part}: ${parsed.error}`);
      });
      for (const text of visible) {
        expect(text.length).toBeLessThanOrEqual(maxLength);
        expect(text.isWellFormed()).toBe(true);
        if (parts.length > 1) expect(text.trim()).not.toBe('');
      }
      expect(visible.join('').replaceAll(/\s/g, '')).toBe(visibleText(message).replaceAll(/\s/g, ''));
    }),
    { numRuns: 500 },
  );
});

test('broken HTML and any other text is cut as well, and nothing of it is lost', () => {
  const units = ['<', '/', 'b', '>', '&', 'lt;', '#', '65', ';', ' ', '"', '\ud83d', '<b>', '</b>', '<br>', 'é', '🔒'];
  const inkOf = (text: string): string => text.replaceAll(/\s/g, '');
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...units) }), (text) => {
      const seen = split(text, 5).map(visibleText);
      for (const part of seen) expect(part.length).toBeLessThanOrEqual(5);
      expect(inkOf(seen.join(''))).toBe(inkOf(visibleText(text)));
    }),
    { numRuns: 2_000 },
  );
});

/** What readers take for one character, though it is several code points. */
const CHARACTERS = ['👩‍👩‍👧‍👦', '🇷🇺', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👍🏽', 'é', 'ก็', '각', 'नि', '1️⃣'];

test.each(CHARACTERS)('%j is never torn, in HTML or not, wherever the cut would fall', (character) => {
  const whole = character.repeat(Math.ceil(200 / character.length));
  const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
  for (let shift = 0; shift < 12; shift++) {
    const text = 'x'.repeat(shift) + whole;
    for (const parts of [splitPlain(text, 50), split(`<b>${text}</b>`, 50).map(visibleText)]) {
      expect(parts.join('')).toBe(text);
      for (const part of parts)
        expect([...segmenter.segment(part)].every(({ segment }) => segment === 'x' || character === segment)).toBe(
          true,
        );
    }
  }
});

test('a mark is not cut off from its letter by a tag or an entity between them', () => {
  expect(split('aaaae<b>\u0301b</b>', 5)).toEqual(['aaaa', 'e<b>\u0301b</b>']);
  expect(split('aaaae&#769;b', 5)).toEqual(['aaaa', 'e&#769;b']);
  expect(split('aaa\r\nb', 4)).toEqual(['aaa', '\r\nb']);
  expect(split('aaa \u0301b', 4)).toEqual(['aaa', ' \u0301b']);
});

test('a character that is longer than a message is cut between code points', () => {
  const marks = `a${'\u0301'.repeat(30)}`;
  expect(splitPlain(marks, 10).join('')).toBe(marks);
  expect(split(`<i>👩${'\u200d👩'.repeat(10)}</i>`, 10).every((part) => part.isWellFormed())).toBe(true);
  expect(split('🔒🔒', 1)).toEqual(['🔒', '🔒']);
});

test('a part has at most 100 formatted pieces, since Telegram drops the addresses of further links', () => {
  const links = Array.from({ length: 250 }, (_, i) => `<a href="https://example.org/${i}">${i}</a>`);
  const parts = split(links.join(' '));
  expect(parts).toHaveLength(3);
  const urls = parts.flatMap((part) => {
    const parsed = parseEntities(part);
    return parsed.ok ? parsed.entities.map(({ url }) => url) : expect.fail(parsed.error);
  });
  expect(urls).toEqual(links.map((_, i) => `https://example.org/${i}`));
});

test('a part is not longer as it is written than the Bot API takes', () => {
  const link = `<a href="https://example.org/${'x'.repeat(2_000)}">${'я'.repeat(10)}</a> `;
  const parts = split(link.repeat(50));
  for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
  expect(parts.map(visibleText).join('').replaceAll(/\s/g, '')).toBe('я'.repeat(500));
});

test('tags that lie deep in each other are opened again once each', () => {
  const [first, second] = split(`${'<i>x<b>'.repeat(20)}${'</b></i>'.repeat(20)}`, 10);
  expect([first, second]).toEqual([`<i>x<b>${'x'.repeat(9)}</b></i>`, `<i><b>${'x'.repeat(10)}</b></i>`]);
});

test('an ampersand does not become an entity by what is cut off behind it', () => {
  for (const text of ['x&#12345678901;', 'x&ltd&lte', 'x&#0;&#00000000065;']) {
    for (let cut = 1; cut < text.length; cut++) expect(split(text, cut).map(visibleText).join('')).toBe(text);
  }
});

test('spaces before a part do not keep it from being cut', () => {
  expect(split(' xxxxxyyyyy', 5)).toEqual(['xxxxx', 'yyyyy']);
  expect(split('<br>xxxxxyyyyy', 5)).toEqual(['xxxxx', 'yyyyy']);
});

test('without HTML a part has what stands in it, and the address of a link once', () => {
  const parts = splitHtml('<b>aaaa <a href="https://example.org/?a&amp;b">bbbb cccc</a> dddd</b>', 10);
  expect(parts.map(({ plain }) => plain)).toEqual(['aaaa bbbb ', 'cccc (https://example.org/?a&b) dddd']);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseHtml } from '../../sandbox/telegram/entities.ts';
import { html } from '../lib/html.ts';
import { visibleText } from '../lib/telegram-html.ts';
import { MAX_MESSAGE_LENGTH, split } from './split.ts';

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

test('broken HTML and any other text is cut as well', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '/', 'b', '>', '&', 'lt;', ' ', '"', '\ud83d') }), (text) => {
      const parts = split(text, 5);
      for (const part of parts) expect(visibleText(part).length).toBeLessThanOrEqual(5);
    }),
  );
});

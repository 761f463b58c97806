import { expect, test } from 'vitest';
import { leastMsOf, readingMs } from '../testing/reading-ms.ts';
import { MAX_PARTS, MAX_TEXT_LENGTH, partsOf, whyTooLong } from './size.ts';
import { MAX_MESSAGE_LENGTH } from './split.ts';

const most = MAX_PARTS * MAX_MESSAGE_LENGTH;

test('20 messages of text are the most, with HTML and without', () => {
  for (const mode of ['HTML', 'none'] as const) {
    expect(whyTooLong('x'.repeat(most), mode)).toBeUndefined();
    expect(whyTooLong('x'.repeat(most + 1), mode)).toMatch(
      /^needs 21 messages of 4096 characters, at most 20 are sent/,
    );
  }
});

test('tags do not count, but the addresses that would be written out do', () => {
  expect(whyTooLong(`<b>${'&lt;'.repeat(most)}</b>`, 'HTML')).toBeUndefined();
  expect(whyTooLong(`<b>${'&lt;'.repeat(most)}</b>`, 'none')).toMatch(/^needs 81 messages/);
  const link = `<a href="https://example.org/${'x'.repeat(1_000)}">${'x'.repeat(500)}</a>\n`;
  expect(whyTooLong(link.repeat(40), 'HTML')).toBeUndefined();
  expect(whyTooLong(link.repeat(80), 'HTML')).toMatch(/^needs \d+ messages/);
});

test('a text of megabytes is not even read', async () => {
  const text = '<i>x'.repeat(2_500_000);
  expect(whyTooLong(text, 'HTML')).toBe(
    `has ${text.length} characters, at most ${MAX_TEXT_LENGTH} are read; send a link instead`,
  );
  expect(await leastMsOf(3, async () => whyTooLong(text, 'HTML'))).toBeLessThan((await readingMs()) / 2);
});

test('what goes out without HTML is cut as well, and stays as it is written', () => {
  const parts = partsOf('<b>1 &lt; 2</b> '.repeat(400), 'none').map(({ text }) => text);
  expect(parts.length).toBe(2);
  expect(parts.join('')).toBe('<b>1 &lt; 2</b> '.repeat(400));
});

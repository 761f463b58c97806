import { expect, test } from 'vitest';
import { plainText, visibleText } from './telegram-html.ts';

test('the reader sees text without tags and with entities decoded', () => {
  expect(visibleText('<b>1 &lt; 2</b> &amp; &quot;x&quot; &#128274;&#x1F512; <tg-spoiler>s</tg-spoiler>')).toBe(
    '1 < 2 & "x" 🔒🔒 s',
  );
});

test('what is no tag and no entity of Telegram is text', () => {
  expect(visibleText('1 < 2 > 0 &nbsp; &ltd &#0; & </ b <')).toBe('1 < 2 > 0 &nbsp; &ltd &#0; & </ b <');
});

test('an attribute may hold a closing bracket', () => {
  expect(visibleText('<a href="https://example.org/?a>b">x</a>')).toBe('x');
});

test('plain text keeps the address of a link', () => {
  expect(plainText('Pay <a href="https://example.org/?a=1&amp;b=2"><b>here</b></a>!')).toBe(
    'Pay here (https://example.org/?a=1&b=2)!',
  );
  expect(plainText("<a href='https://example.org'>https://example.org</a> <a>x</a> </a>")).toBe(
    'https://example.org x ',
  );
});

test('plain text of broken HTML drops the tags that are there', () => {
  expect(plainText('<b>bold <i>both</b> 1 < 2')).toBe('bold both 1 < 2');
});

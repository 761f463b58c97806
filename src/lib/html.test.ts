import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { html, join } from './html.ts';

describe('Telegram HTML', () => {
  test('escapes what is put in, and keeps what is HTML already', () => {
    const name = '<b>Bob & "Co"</b>';
    expect(String(html`<i>${name}</i> ${html`<b>${1}</b>`}`)).toBe(
      '<i>&lt;b&gt;Bob &amp; &quot;Co&quot;&lt;/b&gt;</i> <b>1</b>',
    );
  });

  test('joins lines', () => {
    expect(String(join([html`<b>a</b>`, html`${'<'}`], '\n'))).toBe('<b>a</b>\n&lt;');
  });
});

test('no text that is put in can open a tag or an entity', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(String(html`${text}`).replaceAll(/&(amp|lt|gt|quot);/g, '')).not.toMatch(/[<>&"]/);
    }),
  );
});

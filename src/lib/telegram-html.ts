/** A piece of Telegram HTML: a tag, or one visible character with the way it was written. */
export type HtmlToken =
  | { kind: 'open' | 'close'; raw: string; name: string }
  | { kind: 'character'; raw: string; visible: string };

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"' };

/** A tag with quoted attributes, an entity, or one code point (never half of a surrogate pair). */
const TOKEN =
  /<(?<slash>\/?)(?<name>[a-zA-Z][\w-]*)(?:"[^"]*"|'[^']*'|[^<>"'])*>|&(?:#(?<decimal>\d+)|#x(?<hex>[\da-fA-F]+)|(?<entity>lt|gt|amp|quot)(?![a-zA-Z]));?|[\s\S]/gu;

/**
 * Reads Telegram's HTML (https://core.telegram.org/bots/api#html-style): four named entities and numeric ones, everything
 * else is text. Never fails: what is no tag, such as the `<` of `1 < 2`, is a visible character.
 */
export function* readHtml(text: string): Generator<HtmlToken> {
  for (const { 0: raw, groups } of text.matchAll(TOKEN)) {
    const { slash, name, decimal, hex, entity } = groups!;
    if (name) yield { kind: slash ? 'close' : 'open', raw, name: name.toLowerCase() };
    else if (entity) yield { kind: 'character', raw, visible: NAMED[entity]! };
    else if (decimal ?? hex) yield { kind: 'character', raw, visible: fromCode(decimal, hex) ?? raw };
    else yield { kind: 'character', raw, visible: raw };
  }
}

/** What the reader sees. Its length in UTF-16 units is what Telegram's limit of 4096 counts. */
export function visibleText(html: string): string {
  let visible = '';
  for (const token of readHtml(html)) if (token.kind === 'character') visible += token.visible;
  return visible;
}

/**
 * The same message without HTML, for when Telegram refused the tags: entities decoded, tags dropped, and the address of a
 * link kept behind its text, because a payment message without its link is worth nothing.
 */
export function plainText(html: string): string {
  let plain = '';
  let link: { href: string; from: number } | undefined;
  for (const token of readHtml(html)) {
    if (token.kind === 'character') plain += token.visible;
    else if (token.kind === 'open' && token.name === 'a') link = { href: hrefOf(token.raw), from: plain.length };
    else if (token.name === 'a' && link) {
      if (link.href !== '' && plain.slice(link.from) !== link.href) plain += ` (${link.href})`;
      link = undefined;
    }
  }
  return plain;
}

function hrefOf(tag: string): string {
  const href = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(tag);
  return visibleText(href?.[1] ?? href?.[2] ?? '');
}

function fromCode(decimal: string | undefined, hex: string | undefined): string | undefined {
  const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hex!, 16);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

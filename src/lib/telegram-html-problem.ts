import { decodeEntities } from './html-reader.ts';

/** Why Telegram would refuse a text in HTML, or drop a part of it without a word. `what` is the piece, `line` counts from 1. */
export type HtmlProblem = {
  kind:
    | 'bare_less'
    | 'tag_unknown'
    | 'tag_unclosed'
    | 'tag_unopened'
    | 'tag_crossed'
    | 'tag_cut'
    | 'attribute'
    | 'entity'
    | 'link';
  what: string;
  line: number;
};

/** The attributes of every tag of https://core.telegram.org/bots/api#html-style. */
const TAGS: Readonly<Record<string, readonly string[]>> = {
  ...{ a: ['href'], b: [], blockquote: ['expandable'], code: ['class'], del: [], em: [], i: [], ins: [], pre: [] },
  ...{ s: [], span: ['class'], strike: [], strong: [], 'tg-emoji': ['emoji-id'], 'tg-spoiler': [], u: [] },
};

/** Values of attributes that Telegram understands. */
const VALUES: Readonly<Record<string, RegExp>> = {
  'span class': /^tg-spoiler$/,
  'tg-emoji emoji-id': /^[1-9]\d{0,19}$/,
  'code class': /^language-[\w.+#-]{1,50}$/,
};
const NEEDED: Readonly<Record<string, string>> = { a: 'href', span: 'class', 'tg-emoji': 'emoji-id' };

const OPENING = /^<([a-zA-Z][a-zA-Z0-9-]*)/;
const NEXT_ATTRIBUTE = /^\s+[a-zA-Z-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?/;
const OPENING_ENDS = /^\s*>/;
const CLOSING = /^<\/([a-zA-Z][a-zA-Z0-9-]*)\s*>/;
const ATTRIBUTE = /([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g;
/** What stands for a character: a name of Telegram's four, or a number. */
const ENTITY = /^&(?:lt|gt|amp|quot|#\d{1,6}|#x[\da-fA-F]{1,5});/;
const LOOKS_LIKE_ENTITY = /^&(?:[a-zA-Z]{2,8}|#[\da-zA-Z]+);?/;
const SHOWN = 40;

/**
 * The first problem of a text; undefined where Telegram takes all of it as it is meant. Stricter than Telegram's own parser, which takes an
 * unknown entity for its letters and leaves out a link to an address that it does not know.
 */
export const telegramHtmlProblem = (text: string): HtmlProblem | undefined => firstProblem(text, new Set());

/** Whether every tag of a text ends in it, so that it changes nothing of what is put before or behind it. */
export const isWholeHtml = (text: string): boolean => firstProblem(text, WITHIN) === undefined;

/** Problems that end where they are. */
const WITHIN: ReadonlySet<HtmlProblem['kind']> = new Set(['attribute', 'entity', 'link']);

function firstProblem(text: string, passed: ReadonlySet<HtmlProblem['kind']>): HtmlProblem | undefined {
  const open: { name: string; what: string; at: number }[] = [];
  const problem = (kind: HtmlProblem['kind'], what: string, at: number): HtmlProblem => ({
    kind,
    what: what.slice(0, SHOWN),
    line: text.slice(0, at).split('\n').length,
  });
  for (let at = 0; at < text.length; ) {
    const next = text.slice(at).search(/[<&]/);
    if (next < 0) break;
    at += next;
    const rest = text.slice(at, at + 4_096);
    if (rest.startsWith('&')) {
      const entity = ENTITY.exec(rest)?.[0] ?? '&';
      const looks = LOOKS_LIKE_ENTITY.exec(rest)?.[0];
      if ((entity === '&' ? looks !== undefined : decodeEntities(entity) === entity) && !passed.has('entity'))
        return problem('entity', looks ?? entity, at);
      at += entity.length;
      continue;
    }
    const closing = CLOSING.exec(rest);
    const opening = closing ? undefined : openingOf(rest);
    if (closing) {
      const [tag, written] = closing as unknown as [string, string];
      const name = written.toLowerCase();
      const last = open.pop();
      if (!(name in TAGS)) return problem('tag_unknown', tag, at);
      if (!last) return problem('tag_unopened', tag, at);
      if (last.name !== name) return problem('tag_crossed', `${last.what} … ${tag}`, at);
      at += tag.length;
    } else if (opening) {
      const [tag, written, attributes] = opening;
      const name = written.toLowerCase();
      if (!Object.hasOwn(TAGS, name)) return problem('tag_unknown', tag, at);
      const kind = wrongAttribute(name, attributes);
      if (kind && !passed.has(kind)) return problem(kind, tag, at);
      open.push({ name, what: tag, at });
      at += tag.length;
    } else {
      const isTag = /^<\/?[a-zA-Z]/.test(rest);
      return problem(isTag ? 'tag_cut' : 'bare_less', rest.split('\n')[0]!, at);
    }
  }
  const left = open.at(-1);
  return left && problem('tag_unclosed', left.what, left.at);
}

/** The tag that a text begins with, as it is written, its name and its attributes; undefined where the tag is cut. */
function openingOf(text: string): [tag: string, name: string, attributes: string] | undefined {
  const [start, name] = OPENING.exec(text) ?? [];
  if (start === undefined || name === undefined) return undefined;
  let at = start.length;
  for (let next = NEXT_ATTRIBUTE.exec(text.slice(at)); next; next = NEXT_ATTRIBUTE.exec(text.slice(at)))
    at += next[0].length;
  const end = OPENING_ENDS.exec(text.slice(at));
  return end ? [text.slice(0, at + end[0].length), name, text.slice(start.length, at)] : undefined;
}

function wrongAttribute(name: string, written: string): 'attribute' | 'link' | undefined {
  const given = [...written.matchAll(ATTRIBUTE)].map(([, attribute, double, single]) => ({
    attribute: attribute!.toLowerCase(),
    value: double ?? single,
  }));
  const allowed = TAGS[name]!;
  for (const { attribute, value } of given) {
    if (!allowed.includes(attribute)) return 'attribute';
    if (name === 'a' && !isTelegramAddress(decodeEntities(value ?? ''))) return 'link';
    const pattern = VALUES[`${name} ${attribute}`];
    if (pattern && !pattern.test(value ?? '')) return 'attribute';
  }
  const needed = NEEDED[name];
  const isComplete = needed === undefined || given.some(({ attribute }) => attribute === needed);
  return isComplete ? undefined : name === 'a' ? 'link' : 'attribute';
}

/** Whether Telegram makes a link of an address, and takes it for a button. */
export function isTelegramAddress(address: string): boolean {
  if (/\s/.test(address) || !URL.canParse(address)) return false;
  const { hostname, protocol } = new URL(address);
  if (protocol === 'tg:') return address.length > 'tg://'.length;
  return (protocol === 'http:' || protocol === 'https:') && /[^.]\.[^.]/.test(hostname);
}

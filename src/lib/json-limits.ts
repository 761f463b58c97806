/** The most that a request or payload may hold. No task needs a tenth of it; the work on bigger ones grows faster than their bytes. */
export const JSON_LIMITS = {
  /** Lists and objects within each other. */
  levels: 32,
  /** Fields of objects, lists and objects, over all levels. */
  parts: 5_000,
  /** Fields of the payload itself. */
  fields: 100,
  /** Entries of a list that has no limit of its own, and of all lists within lists or objects together. */
  entries: 10_000,
  /** Values of a whole text: twice the longest list that any payload may have. */
  values: 1_000_000,
} as const;

const TOO_DEEP = `must not be nested deeper than ${JSON_LIMITS.levels} levels`;
const TOO_MANY = `must not have more than ${JSON_LIMITS.parts.toLocaleString('en')} fields, lists and objects`;
const TOO_LONG = `must not have more than ${JSON_LIMITS.values.toLocaleString('en')} values`;

/** Signs of JSON. They are written as numbers: a name that is worked out at start makes the loop several times as slow. */
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Says what is too much in the bytes of a JSON text, before it is decoded and parsed: an object of a million fields takes seconds. It looks
 * at each byte once at most, and leaves to the parser whether the text is JSON at all. No sign of JSON is a part of another character in
 * UTF-8.
 */
export function jsonTextProblem(bytes: Uint8Array): string | undefined {
  let level = 0;
  let parts = 0;
  let commas = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const sign = bytes[i]!;
    if (sign < QUOTE || (sign > COMMA && sign < COLON)) continue; // Most of a long list: digits and spaces.
    if (sign === QUOTE) i = endOfString(bytes, i);
    else if (sign === COMMA) {
      commas += 1;
      if (commas >= JSON_LIMITS.values) return TOO_LONG;
    } else if (sign === COLON) {
      parts += 1;
      if (parts > JSON_LIMITS.parts) return TOO_MANY;
    } else if (sign === OPEN_LIST || sign === OPEN_OBJECT) {
      level += 1;
      parts += 1;
      if (level > JSON_LIMITS.levels) return TOO_DEEP;
      if (parts > JSON_LIMITS.parts) return TOO_MANY;
    } else if (sign === CLOSE_LIST || sign === CLOSE_OBJECT) level -= 1;
  }
  return undefined;
}

/** Where the string that begins at `start` ends: at the next quote that has an even number of backslashes before it. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let end = bytes.indexOf(QUOTE, start + 1); end !== -1; end = bytes.indexOf(QUOTE, end + 1)) {
    let before = end - 1;
    while (bytes[before] === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return bytes.length;
}

/**
 * Says the same of a value that came by another door. Simple entries of a list that is a field itself do not count: such a list has a
 * limit of its own. Stops where it is too much.
 */
export function jsonProblem(payload: object): string | undefined {
  let parts = 0;
  let entries = 0;
  const open: { value: object; level: number }[] = [{ value: payload, level: 1 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { level, value } = next;
    if (level > JSON_LIMITS.levels) return TOO_DEEP;
    const isList = Array.isArray(value);
    if (isList && level > 2) entries += value.length;
    if (entries > JSON_LIMITS.entries)
      return `must not have more than ${JSON_LIMITS.entries.toLocaleString('en')} entries in lists within lists or objects`;
    for (const inner of isList ? value : Object.values(value)) {
      const isContainer = typeof inner === 'object' && inner !== null;
      if (isContainer) open.push({ value: inner, level: level + 1 });
      if (isContainer || !isList) parts += 1;
      if (parts > JSON_LIMITS.parts) return TOO_MANY;
    }
  }
  return undefined;
}

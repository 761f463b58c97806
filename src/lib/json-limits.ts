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
} as const;

const TOO_DEEP = `must not be nested deeper than ${JSON_LIMITS.levels} levels`;
const TOO_MANY = `must not have more than ${JSON_LIMITS.parts.toLocaleString('en')} fields, lists and objects`;

const [QUOTE, BACKSLASH, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [...'"\\:[]{}'].map((sign) =>
  sign.charCodeAt(0),
);

/**
 * Says what is too much in a text of JSON, before it is parsed: an object of a million fields takes seconds. It looks at each character
 * once at most, and leaves to the parser whether the text is JSON at all.
 */
export function jsonTextProblem(text: string): string | undefined {
  let level = 0;
  let parts = 0;
  for (let i = 0; i < text.length; i += 1) {
    const sign = text.charCodeAt(i);
    if (sign === QUOTE) i = endOfString(text, i);
    else if (sign === COLON) parts += 1;
    else if (sign === OPEN_LIST || sign === OPEN_OBJECT) {
      level += 1;
      parts += 1;
      if (level > JSON_LIMITS.levels) return TOO_DEEP;
    } else if (sign === CLOSE_LIST || sign === CLOSE_OBJECT) level -= 1;
    if (parts > JSON_LIMITS.parts) return TOO_MANY;
  }
  return undefined;
}

/** Where the string that begins at `start` ends. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i += 1) {
    const sign = text.charCodeAt(i);
    if (sign === BACKSLASH) i += 1;
    else if (sign === QUOTE) return i;
  }
  return text.length;
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

/** A text that cannot be kept, where it stands, and what is wrong with it. */
export type BadText = { path: readonly string[]; message: string };

/** A name in a path may be any text that was sent. */
const NAME_SHOWN = 100;

/** Says why a text can neither be stored nor sent on: PostgreSQL refuses U+0000, and half of a pair of surrogates is no character. */
export function badText(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain the character U+0000';
  return text.isWellFormed() ? undefined : 'must not contain half of a surrogate pair, which is no character';
}

/** The first such text in a value, names of fields included. The value has passed the limits of JSON: it is not nested deeply. */
export function badTextIn(value: unknown): BadText | undefined {
  if (typeof value === 'string') {
    const message = badText(value);
    return message === undefined ? undefined : { path: [], message };
  }
  if (Array.isArray(value)) return inList(value);
  return typeof value === 'object' && value !== null ? inObject(value) : undefined;
}

function inList(list: readonly unknown[]): BadText | undefined {
  for (let i = 0; i < list.length; i += 1) {
    const bad = badTextIn(list[i]);
    if (bad) return { ...bad, path: [String(i), ...bad.path] };
  }
  return undefined;
}

function inObject(object: object): BadText | undefined {
  for (const [name, field] of Object.entries(object)) {
    const wrongName = badText(name);
    const bad = wrongName === undefined ? badTextIn(field) : { path: [], message: `has a name that ${wrongName}` };
    if (bad) return { ...bad, path: [shown(name), ...bad.path] };
  }
  return undefined;
}

/** A name that is itself such a text is said in a form that can be printed. */
const shown = (name: string): string => storable(name.slice(0, NAME_SHOWN));

/** A text that PostgreSQL takes, with U+FFFD in place of each character that it refuses. For texts of others that are only noted. */
export const storable = (text: string): string => text.replaceAll('\0', '\u{FFFD}').toWellFormed();

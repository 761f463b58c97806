/** Text that is already safe in Telegram's HTML mode. Only `html` and `join` make it. */
export class Html {
  readonly #text: string;

  constructor(safeText: string) {
    this.#text = safeText;
  }

  toString(): string {
    return this.#text;
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** `&`, `<`, `>` and `"` as entities: what Telegram's HTML mode reads (https://core.telegram.org/bots/api#html-style). */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** The one escaping place: every interpolated value is escaped unless it is `Html` already. */
export function html(parts: TemplateStringsArray, ...values: readonly (Html | string | number | bigint)[]): Html {
  const text = parts.reduce((all, part, i) => {
    const value = values[i - 1]!;
    return all + (value instanceof Html ? value.toString() : escapeHtml(String(value))) + part;
  });
  return new Html(text);
}

/** Joins safe pieces; the separator is escaped like any text. */
export function join(pieces: readonly Html[], separator: string): Html {
  return new Html(pieces.map(String).join(escapeHtml(separator)));
}

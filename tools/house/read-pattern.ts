/** One thing that a pattern asks for, as often as it says. */
export type Item = {
  /** One character: the source of its class. A group: undefined. */
  one?: string;
  /** The sequences of a group, one of which must fit. */
  group?: readonly (readonly Item[])[];
  /** `^`, `$`, `\b` or a look around: takes no character. */
  assertion?: string;
  min: number;
  max: number;
};

/** The alternatives of a pattern as sequences of items. It reads what this code base writes, and throws for anything else. */
export function readPattern(source: string): readonly (readonly Item[])[] {
  const reader = new Reader(source);
  const read = reader.alternatives();
  if (!reader.isAtEnd) throw new Error(`${source}: cannot be read from '${reader.rest}'`);
  return read;
}

const OPENINGS = /^\((?:\?(?::|=|!|<=|<!|<[A-Za-z]\w*>))?/;
const ESCAPE = /^\\(?:u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|[pP]\{\w+(?:=\w+)?\}|.)/s;
const QUANTIFIER = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/;

class Reader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get rest(): string {
    return this.#source.slice(this.#at);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#source.length;
  }

  alternatives(): Item[][] {
    const all = [this.#sequence()];
    while (this.#take('|')) all.push(this.#sequence());
    return all;
  }

  #sequence(): Item[] {
    const items: Item[] = [];
    while (!this.isAtEnd && !/^[|)]/.test(this.rest)) items.push(this.#quantified(this.#item()));
    return items;
  }

  #item(): Omit<Item, 'min' | 'max'> {
    const opening = this.#matched(OPENINGS);
    if (opening !== undefined) {
      const group = this.alternatives();
      if (!this.#take(')')) throw new Error(`${this.#source}: a group does not end`);
      return /[=!]$/.test(opening) ? { assertion: opening } : { group };
    }
    const escaped = this.#matched(ESCAPE);
    if (escaped !== undefined) return /^\\[bB]$/.test(escaped) ? { assertion: escaped } : { one: escaped };
    if (this.rest.startsWith('[')) return { one: this.#class() };
    const sign = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    this.#at += sign.length;
    return sign === '^' || sign === '$' ? { assertion: sign } : { one: sign };
  }

  #class(): string {
    const from = this.#at;
    for (this.#at += 1; this.#source[this.#at] !== ']'; this.#at += 1)
      if (this.#source[this.#at] === '\\') this.#at += 1;
    this.#at += 1;
    return this.#source.slice(from, this.#at);
  }

  #quantified(item: Omit<Item, 'min' | 'max'>): Item {
    const quantifier = this.#matched(QUANTIFIER);
    if (quantifier === undefined) return { ...item, min: 1, max: 1 };
    if (quantifier.startsWith('*')) return { ...item, min: 0, max: Number.POSITIVE_INFINITY };
    if (quantifier.startsWith('+')) return { ...item, min: 1, max: Number.POSITIVE_INFINITY };
    if (quantifier.startsWith('?')) return { ...item, min: 0, max: 1 };
    const [, min = '', comma, max = ''] = QUANTIFIER.exec(quantifier)!;
    const most = max === '' ? Number.POSITIVE_INFINITY : Number(max);
    return { ...item, min: Number(min), max: comma === '' ? Number(min) : most };
  }

  #take(sign: string): boolean {
    if (!this.rest.startsWith(sign)) return false;
    this.#at += sign.length;
    return true;
  }

  #matched(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.rest)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }
}

const NEWLINE = 0x0a;

/** Where a text can be cut, counted in UTF-16 units from where the part begins. */
export class CutPlaces {
  #paragraph = 0;
  #line = 0;
  #word = 0;
  #before = 0;

  /** A character of the text, and how many units there are up to its end. To be told of each, in order. */
  note(code: number, end: number): void {
    if (isSpace(code)) {
      this.#word = end;
      if (code === NEWLINE) {
        this.#line = end;
        if (this.#before === NEWLINE) this.#paragraph = end;
      }
    }
    this.#before = code;
  }

  /**
   * The best place in a part of which `units` fit. `text` is the part and at least one character more. A cut in the first half would
   * waste most of a message: then the next finer kind of place is better.
   */
  best(text: string, units: number): number {
    const places = [this.#paragraph, this.#line, this.#word].filter((place) => place > 0);
    const place = places.find((at) => at > units / 2) ?? Math.max(0, ...places);
    return atCharacter(text, place) || atCharacter(text, units) || atCodePoint(text, units);
  }
}

/** What readers take for one character is told by Unicode alone, the same in every language. */
const CHARACTERS = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** The last place up to `cut` that lies between two characters. Looks at the place alone, not at all characters before it. */
function atCharacter(text: string, cut: number): number {
  return CHARACTERS.segment(text).containing(cut)?.index ?? cut;
}

/** The last place between two code points, for a single character that is longer than a message. Never 0. */
function atCodePoint(text: string, cut: number): number {
  const isPairAt = (at: number): boolean => (text.codePointAt(at) ?? 0) > 0xffff;
  return Math.max(isPairAt(0) ? 2 : 1, isPairAt(cut - 1) ? cut - 1 : cut);
}

/** Spaces that a line may be broken at: not the no-break spaces U+00A0, U+2007, U+202F and U+FEFF. */
function isSpace(code: number): boolean {
  if (code < 0x1680) return code === 0x20 || (code >= 0x09 && code <= 0x0d);
  if (code === 0x1680 || code === 0x205f || code === 0x3000) return true;
  return code >= 0x2000 && code <= 0x2029 && (code <= 0x200a || code >= 0x2028) && code !== 0x2007;
}

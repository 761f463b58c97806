import type { Locale } from '../../lib/locale.ts';

/** A name that a picture cannot hold as it is, and what stands there in its place. */
export type LegendEntry = { drawn: string; name: string };

/** What a row of names has room for. */
const CHARACTERS = 18;

/**
 * Characters that our font has a picture of (`render-chart.test.ts` holds it against the font): Latin, Greek, Cyrillic, Armenian, Hebrew,
 * Arabic, Georgian, and the signs between them. A font with Chinese, Japanese and Korean would be several times as large as all else.
 */
const HAS_PICTURE =
  /^[\u0020-\u007e\u00a0-\u02e9\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u0525\u0531-\u0556\u0561-\u0587\u05d0-\u05ea\u060c\u061b\u061f\u0621-\u063a\u0640-\u0655\u0660-\u0670\u0679-\u06bf\u06cc\u06f0-\u06f9\u10a0-\u10c5\u10d0-\u10fc\u1e00-\u1efb\u2010-\u2027\u2030-\u205e\u20a0-\u20b5\u20bd\u2100-\u2109\u210b-\u2149\u2190-\u21ff]*$/u;

/** Emoji, flags, and what joins or colours them: an ornament, without which a name is still the name. */
const ORNAMENTS =
  /\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\p{Variation_Selector}|\u200d|\u20e3|[\u{e0020}-\u{e007f}]/gu;

/**
 * Names as a picture can show them. Where a name has letters that no font of ours has, where nothing is left of it, or where two would
 * look the same, it becomes `node 3`, and the legend, which stands in the text beside the picture, says which node that is.
 */
export function drawnNames(
  names: readonly string[],
  locale: Locale,
): { drawn: readonly string[]; legend: readonly LegendEntry[] } {
  const plain = names.map(withoutOrnaments);
  const looks = Map.groupBy(plain, (name) => name);
  const legend: LegendEntry[] = [];
  const drawn = plain.map((name, i) => {
    const isClear = /[\p{L}\p{N}]/u.test(name) && HAS_PICTURE.test(name) && looks.get(name)!.length === 1;
    if (isClear && !isPlaceholder(name)) return name;
    const placeholder = `${{ en: 'node', ru: 'узел' }[locale]} ${i + 1}`;
    legend.push({ drawn: placeholder, name: names[i]! });
    return placeholder;
  });
  return { drawn, legend };
}

/** A name that reads like a placeholder would be taken for another node's. */
const isPlaceholder = (name: string): boolean => /^(?:node|узел) \d+$/i.test(name);

/** Composed, on one line, without what is not to be seen, cut to what there is room for. */
function withoutOrnaments(name: string): string {
  const line = name.normalize('NFC').replace(ORNAMENTS, '').replace(/\p{C}/gu, '').replace(/\s+/gu, ' ').trim();
  const characters = [...line];
  return characters.length > CHARACTERS ? `${characters.slice(0, CHARACTERS - 1).join('')}…` : line;
}

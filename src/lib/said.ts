import type { Locale } from './locale.ts';
import { DESK_SAYINGS } from './sayings/desk.ts';
import { DOCTOR_SAYINGS } from './sayings/doctor.ts';
import { PAYLOAD_SAYINGS } from './sayings/payloads.ts';
import { PROBLEM_SAYINGS } from './sayings/problems.ts';

/** A longer text is no sentence of ours. */
const MOST_CHARACTERS = 2_000;
/** Values of values of values are names. */
const DEPTH = 6;

type Template = { pieces: readonly string[]; russian: string };

const EXACT = new Map<string, string>();
const TEMPLATES: Template[] = [];
const ALL = { ...DESK_SAYINGS, ...DOCTOR_SAYINGS, ...PAYLOAD_SAYINGS, ...PROBLEM_SAYINGS };
for (const [english, russian] of Object.entries(ALL)) {
  if (english.includes('{}')) TEMPLATES.push({ pieces: english.split('{}'), russian });
  else EXACT.set(english, russian);
}
// The one that says most of the sentence itself comes first.
TEMPLATES.sort((a, b) => fixed(b) - fixed(a));

/**
 * A sentence in the reader's language that was written where nobody knew the reader: an error, a finding, the description of a field. Values
 * in it that are words of ours are said too; what is no sentence of ours, such as a name or an answer of another service, stays as it is.
 */
export const said = (text: string, locale: Locale): string => (locale === 'ru' ? inRussian(text, DEPTH) : text);

function inRussian(text: string, depth: number): string {
  if (text.length > MOST_CHARACTERS) return text;
  const exact = EXACT.get(text);
  if (exact !== undefined || depth === 0) return exact ?? text;
  for (const { pieces, russian } of TEMPLATES) {
    const values = valuesIn(text, pieces);
    if (values) return filled(russian, values, (value) => inRussian(value, depth - 1));
  }
  return text;
}

/** The values between the pieces; undefined where the text is another sentence. It looks at each character once. */
function valuesIn(text: string, pieces: readonly string[]): string[] | undefined {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || end < first.length) return undefined;
  const values: string[] = [];
  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const at = text.indexOf(piece, from);
    if (at < 0 || at + piece.length > end) return undefined;
    values.push(text.slice(from, at));
    from = at + piece.length;
  }
  return [...values, text.slice(from, end)];
}

function filled(russian: string, values: readonly string[], say: (value: string) => string): string {
  let next = 0;
  return russian.replaceAll(/\{([\d=]?)\}/g, (_all, which: string) => {
    if (which === '=') return values[next++] ?? '';
    return say(values[which === '' ? next++ : Number(which)] ?? '');
  });
}

function fixed({ pieces }: Template): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

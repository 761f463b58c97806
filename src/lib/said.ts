import type { Locale } from './locale.ts';
import { DESK_SAYINGS } from './sayings/desk.ts';
import { DOCTOR_SAYINGS, ELEMENT_SAYINGS } from './sayings/doctor.ts';
import { PAYLOAD_SAYINGS } from './sayings/payloads.ts';
import { PROBLEM_SAYINGS } from './sayings/problems.ts';

/** A longer text is no sentence of ours. */
const MOST_CHARACTERS = 2_000;
/** Values of values of values are names. */
const DEPTH = 6;

type Template = { pieces: readonly string[]; russian: string };

const ALL = Object.entries({ ...DESK_SAYINGS, ...DOCTOR_SAYINGS, ...PAYLOAD_SAYINGS, ...PROBLEM_SAYINGS });
const EXACT = new Map(ALL.filter(([english]) => !english.includes('{}')));
const TEMPLATES = templatesOf(ALL.filter(([english]) => english.includes('{}')));
const ELEMENTS = templatesOf(Object.entries(ELEMENT_SAYINGS));

/**
 * A sentence in the reader's language that was written where nobody knew the reader: an error, a finding, the description of a field. Values
 * in it that are words of ours are said too; what is no sentence of ours, such as a name or an answer of another service, stays as it is.
 */
export const said = (text: string, locale: Locale): string => (locale === 'ru' ? inRussian(text, DEPTH) : text);

function inRussian(text: string, depth: number): string {
  if (text.length > MOST_CHARACTERS) return text;
  const exact = EXACT.get(text);
  if (exact !== undefined || depth === 0) return exact ?? text;
  const say = (value: string): string => inRussian(value, depth - 1);
  return byTemplate(text, TEMPLATES, say) ?? listOf(text, say) ?? text;
}

/** A list of what stands in lists of ours; undefined where one of it is something else. */
function listOf(text: string, say: (value: string) => string): string | undefined {
  const elements = text.split(', ').map((element) => byTemplate(element, ELEMENTS, say));
  return elements.every((element) => element !== undefined) ? elements.join(', ') : undefined;
}

function byTemplate(text: string, templates: readonly Template[], say: (value: string) => string): string | undefined {
  for (const { pieces, russian } of templates) {
    const values = valuesIn(text, pieces);
    if (values) return filled(russian, values, say);
  }
  return undefined;
}

/** The one that says most of the sentence itself comes first. */
function templatesOf(sayings: readonly (readonly [english: string, russian: string])[]): Template[] {
  const all = sayings.map(([english, russian]) => ({ pieces: english.split('{}'), russian }));
  return all.sort((a, b) => fixed(b) - fixed(a));
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

import { Html, html } from './html.ts';

/** What stands for `{name}`; undefined where it is not known of this reader. */
export type TemplateValues = Readonly<Record<string, Html | string | number | undefined>>;

const VARIABLE = /\{([a-z][a-z0-9_]*)\}/g;

/** The variables of a text, in their order, as often as they come. */
export const variablesIn = (template: string): string[] => [...template.matchAll(VARIABLE)].map(([, name]) => name!);

/** A brace that belongs to no variable, with what follows it; undefined where there is none. */
export function strayBrace(template: string): { at: number; piece: string } | undefined {
  const at = template.replaceAll(VARIABLE, (found) => '_'.repeat(found.length)).search(/[{}]/);
  return at < 0 ? undefined : { at, piece: template.slice(at, at + 20).split('\n')[0]! };
}

/**
 * The text with values in place of its variables, each escaped unless it is `Html`. A line that names something not known is left out,
 * and with its last line a paragraph. The template is trusted: its tags are kept.
 */
export const fillTemplate = (template: string, values: TemplateValues): Html =>
  new Html(filled(template, values, (value) => (value instanceof Html ? value : html`${value}`).toString()));

/** The same for text that is no HTML. */
export const plainTemplate = (template: string, values: Readonly<Record<string, string | undefined>>): string =>
  filled(template, values, String);

function filled<Value>(
  template: string,
  values: Readonly<Record<string, Value | undefined>>,
  write: (value: Value) => string,
): string {
  const isKnown = (name: string): boolean => values[name] !== undefined;
  const paragraphs = template.split('\n\n').flatMap((paragraph) => {
    const kept = paragraph.split('\n').filter((line) => variablesIn(line).every(isKnown));
    return kept.length === 0 ? [] : [kept.join('\n')];
  });
  return paragraphs.join('\n\n').replaceAll(VARIABLE, (_, name: string) => write(values[name]!));
}

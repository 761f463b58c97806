import { z } from 'zod';
import { type Html, html, join } from '../../../lib/html.ts';
import { issueInWords, issuesInWords } from '../../../lib/issue-in-words.ts';
import { said } from '../../../lib/said.ts';
import type { AnyDeed, Field, FormOf, FormOptions, Page } from './define-view.ts';

/** What a browser sends for a form: a name that comes twice has a list. */
export type FormBody = Readonly<Record<string, string | readonly string[]>>;

/** Fields of our own in every form: which deed, of which row, about what, and that the question was answered with yes. */
export const OWN = { deed: '_deed', key: '_key', about: '_about', sure: '_sure' } as const;

/** A form as it was sent: the typed texts, and the mistakes in them. */
export type FormState = {
  /** The id of the form. */
  id: string;
  values: Readonly<Record<string, string>>;
  errors: Readonly<Record<string, string>>;
  problem?: string | undefined;
};

export const formId = (deed: string, key: string): string =>
  `deed-${deed}${key && `-${key.replaceAll(/[^\w-]/g, '_')}`}`;

export type DrawnForm = {
  name: string;
  deed: AnyDeed;
  form: FormOf | undefined;
  /** Where it is sent: the view itself, with its filters. */
  address: string;
  options: FormOptions;
  state: FormState | undefined;
  page: Page<string>;
};

/** A form that works as it is, and through the script without a new page. */
export function drawForm({ address, deed, form, name, options, page, state }: DrawnForm): Html {
  const { about, hidden = {}, key = '', values = {} } = options;
  const id = formId(name, key);
  const mine = state?.id === id ? state : undefined;
  const label = page.say(deed.label);
  const all = Object.entries(form?.fields ?? {});
  const buttons = all.flatMap(([field, how]) =>
    how?.kind === 'submit'
      ? html`<button class="plain" name="${field}" value="on"${about === undefined ? '' : html` aria-label="${how.label[page.locale]}: ${about}"`}>${how.label[page.locale]}</button>`
      : [],
  );
  const fields = all.flatMap(([field, how]) =>
    how && isTyped(how)
      ? [
          drawField(
            how,
            { id: `${id}-${field}`, field, value: mine?.values[field] ?? values[field], error: mine?.errors[field] },
            page,
          ),
        ]
      : [],
  );
  const problem = mine && problemOf(mine, form, page);
  return html`<form method="post" action="${address}" id="${id}" class="deed${fields.length > 0 ? ' fields' : ''}" hx-post="${address}">${sentAlong({ ...hidden, [OWN.deed]: name, [OWN.key]: key, [OWN.about]: about ?? '' })}${
    problem === undefined ? '' : html`<p class="bad" role="alert">${problem}</p>`
  }${join(fields, '')}<button class="${deed.tone ?? (fields.length > 0 ? 'primary' : 'plain')}"${about === undefined ? '' : html` aria-label="${label}: ${about}"`}>${label}</button>${join(buttons, '')}</form>`;
}

/** Hidden inputs; an empty one is left out. */
export function sentAlong(values: FormBody): Html {
  const inputs = Object.entries(values).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (one === '' ? [] : [html`<input type="hidden" name="${name}" value="${one}">`])),
  );
  return join(inputs, '');
}

/** Errors of fields that are not seen are told above the form, under their names. */
function problemOf(
  { errors, problem }: FormState,
  form: FormOf | undefined,
  { locale, say }: Page,
): string | undefined {
  const unseen = Object.entries(errors).filter(([name]) => !form?.fields[name]);
  const told = [
    ...(problem === undefined ? [] : [said(problem, locale)]),
    ...unseen.map(([name, text]) => (name ? `${name}: ${said(text, locale)}` : said(text, locale))),
  ];
  if (told.length > 0) return told.join('; ');
  return Object.keys(errors).length > 0 ? say('formProblem') : undefined;
}

/** A field that is typed or chosen; the others are buttons. */
type Typed = Field & { readonly kind: Exclude<Field['kind'], 'submit'> };

const isTyped = (field: Field): field is Typed => field.kind !== 'submit';

type Place = { id: string; field: string; value: string | undefined; error: string | undefined };

function drawField(
  { hint, kind, label, options = [], required, width }: Typed,
  place: Place,
  { locale, say }: Page,
): Html {
  const { error, field, id, value = '' } = place;
  const described = [...(hint ? [`${id}-hint`] : []), ...(error ? [`${id}-error`] : [])].join(' ');
  const needed = required ? html` required` : '';
  const attributes = html`id="${id}" name="${field}"${described ? html` aria-describedby="${described}"` : ''}${error ? html` aria-invalid="true"` : ''}`;
  const input = (): Html => {
    switch (kind) {
      case 'area':
      case 'json':
      case 'lines':
      case 'numbers':
        return html`<textarea ${attributes}${needed} rows="${isList(kind) ? 6 : 4}" spellcheck="${kind === 'area' ? 'true' : 'false'}">${value}</textarea>`;
      case 'choice':
        return html`<select ${attributes}${needed}>${join(
          [...(required ? [] : [{ value: '', label: { en: '–', ru: '–' } }]), ...options].map(
            (one) =>
              html`<option value="${one.value}"${one.value === value ? html` selected` : ''}>${one.label[locale]}</option>`,
          ),
          '',
        )}</select>`;
      case 'choices': {
        const chosen = new Set(itemsIn(value));
        const boxes = options.map(
          (one) =>
            html`<label><input type="checkbox" name="${field}" value="${one.value}"${chosen.has(one.value) ? html` checked` : ''}> ${one.label[locale]}</label>`,
        );
        return html`<div class="choices" role="group" id="${id}" aria-labelledby="${id}-label"${described ? html` aria-describedby="${described}"` : ''}>${join(boxes, '')}</div>`;
      }
      case 'picture':
        return html`<input type="file" id="${id}"${described ? html` aria-describedby="${described}"` : ''}${error ? html` aria-invalid="true"` : ''} accept="image/jpeg,image/png,image/webp" data-picture-into="${id}-value"><input type="hidden" id="${id}-value" name="${field}" value="${value}">`;
      case 'check':
        return html`<input type="checkbox" ${attributes} value="on"${value === 'on' ? html` checked` : ''}>`;
      default:
        return html`<input type="${INPUT_TYPES[kind]}" ${attributes}${needed} value="${value}" autocomplete="off"${kind === 'number' ? html` step="any"` : ''}>`;
    }
  };
  const about = html`${hint ? html`<small id="${id}-hint" class="muted">${hint[locale]}</small>` : ''}${error ? html`<small id="${id}-error" class="bad">${said(error, locale)}</small>` : ''}`;
  if (kind === 'check') return html`<div class="field check"><label>${input()} ${label[locale]}</label>${about}</div>`;
  const file = isList(kind)
    ? html`<label class="file">${say('fromFile')} <input type="file" data-into="${id}" accept="text/*,.csv"></label>`
    : '';
  const name =
    kind === 'choices'
      ? html`<span class="label" id="${id}-label">${label[locale]}</span>`
      : html`<label for="${id}">${label[locale]}</label>`;
  return html`<div class="field${width === 'half' ? ' half' : ''}">${name}${input()}${file}${about}</div>`;
}

const INPUT_TYPES = {
  text: 'text',
  words: 'text',
  secret: 'password',
  number: 'number',
  moment: 'datetime-local',
} as const;

/** The typed texts as they go back into the form: of a name that comes twice the last, of choices all. */
export function typedIn(body: FormBody, form?: FormOf): Record<string, string> {
  const typed = Object.entries(body).map(([name, value]) => {
    const texts = [value].flat();
    return [name, form?.fields[name]?.kind === 'choices' ? texts.join(', ') : String(texts.at(-1) ?? '')];
  });
  return Object.fromEntries(typed);
}

export type ReadForm =
  | { value: Readonly<Record<string, unknown>>; errors?: never }
  | { errors: Readonly<Record<string, string>> };

/** The values of a form, or what is wrong with each field in the reader's language. */
export function readForm(form: FormOf | undefined, body: FormBody, page: Page): ReadForm {
  if (!form) return { value: {} };
  const own: ReadonlySet<string> = new Set(Object.values(OWN));
  const errors: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(typedIn(body)))
    if (!own.has(name) && !form.fields[name]) values[name] = text;
  for (const [name, field] of Object.entries(form.fields)) {
    if (!field) continue;
    const read = typedValue(field, body[name], page);
    if (read.error === undefined) values[name] = read.value;
    else errors[name] = read.error;
    if (values[name] === undefined) delete values[name];
    if (field.required && values[name] === undefined) errors[name] ??= page.say('missing');
  }
  const parsed = form.schema.safeParse(values, { error: page.locale === 'ru' ? RUSSIAN : issueInWords });
  if (parsed.success && Object.keys(errors).length === 0) return { value: parsed.data };
  for (const { message, path } of parsed.success ? [] : issuesInWords(parsed.error.issues)) {
    const [first = ''] = path;
    errors[String(first)] ??= message;
  }
  return { errors };
}

const RUSSIAN = z.locales.ru().localeError;

function typedValue(
  { kind }: Field,
  sent: string | readonly string[] | undefined,
  { clock, say }: Page,
): { value?: unknown; error?: string } {
  if (kind === 'choices') {
    const chosen = [sent ?? []].flat().filter(Boolean);
    return chosen.length === 0 ? {} : { value: chosen };
  }
  const text = String([sent ?? ''].flat().at(-1)).trim();
  if (kind === 'check' || kind === 'submit') return { value: text !== '' };
  if (text === '') return {};
  switch (kind) {
    case 'number': {
      const number = Number(text.replace(',', '.'));
      return Number.isFinite(number) ? { value: number } : { error: say('notANumber') };
    }
    case 'words':
    case 'lines':
      return { value: itemsIn(text) };
    case 'numbers': {
      const numbers = itemsIn(text).map(Number);
      return numbers.every(Number.isFinite) ? { value: numbers } : { error: say('notNumbers') };
    }
    case 'moment': {
      const at = clock.instant(text);
      return at ? { value: at.toISOString() } : { error: say('notATime') };
    }
    case 'json':
      return json(text) ?? { error: say('notJson') };
    default:
      return { value: text };
  }
}

const itemsIn = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean);

const isList = (kind: Field['kind']): boolean => kind === 'lines' || kind === 'numbers';

function json(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

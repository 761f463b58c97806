import { z } from 'zod';
import { said } from '../../../lib/said.ts';
import type { AnyTask } from '../../../runtime/define-task.ts';
import type { Field, FormOf } from './define-view.ts';

const Type = z.looseObject({
  // A field of several types is typed as JSON.
  type: z.string().optional().catch(undefined),
  enum: z
    .array(z.union([z.string(), z.number()]))
    .optional()
    .catch(undefined),
  items: z
    .looseObject({
      type: z.string().optional(),
      anyOf: z.array(z.looseObject({ type: z.unknown().optional() })).optional(),
    })
    .optional(),
  maxLength: z.number().optional(),
});
/** What a JSON Schema says of one field. */
const Property = Type.extend({
  anyOf: z.array(Type).optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
});
const Properties = z.looseObject({
  properties: z.record(z.string(), Property).default({}),
  required: z.array(z.string()).default([]),
});

/** A longer text gets several lines. */
const ONE_LINE = 200;

/** A form for the payload of a task, with its defaults filled in. The door that the payload goes through judges it. */
export function payloadForm({ mass, payload }: AnyTask): FormOf & { values: Readonly<Record<string, string>> } {
  const { properties, required } = Properties.parse(z.toJSONSchema(payload, { io: 'input', unrepresentable: 'any' }));
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [
      name,
      mass && name === 'dry_run' ? DRY_RUN_BUTTON : fieldOf(name, property, required.includes(name)),
    ]),
  );
  const values = Object.fromEntries(
    Object.entries(properties).flatMap(([name, { default: value }]) =>
      value === undefined || value === null ? [] : [[name, textOf(value, fields[name]!)]],
    ),
  );
  return { schema: z.looseObject({}), fields, values };
}

/** The button that asks for a dry run, in any form that starts a mass task. */
export const DRY_RUN_BUTTON: Field = { kind: 'submit', label: { en: 'Dry run', ru: 'Пробный запуск' } };

function fieldOf(name: string, property: z.output<typeof Property>, required: boolean): Field {
  const { description } = property;
  const about = {
    label: { en: name, ru: name },
    ...(description !== undefined && { hint: { en: description, ru: said(description, 'ru') } }),
    required,
  };
  const { enum: choices, items, maxLength, type } = withoutNull(property);
  if (choices) {
    const options = choices.map((value) => ({ value: String(value), label: { en: String(value), ru: String(value) } }));
    return { ...about, kind: 'choice', options };
  }
  if (type === 'boolean') return { ...about, kind: 'check', required: false };
  if (type === 'integer' || type === 'number') return { ...about, kind: 'number' };
  if (type === 'array' && (items?.type === 'integer' || items?.type === 'number')) return { ...about, kind: 'numbers' };
  const takesTexts = items?.type === 'string' || items?.anyOf?.some((item) => item.type === 'string');
  if (type === 'array' && takesTexts) return { ...about, kind: 'lines' };
  if (type === 'string') return { ...about, kind: (maxLength ?? 0) > ONE_LINE ? 'area' : 'text' };
  return { ...about, kind: 'json' };
}

/** An empty field is absent, so that it may be null as well says nothing. */
function withoutNull(property: z.output<typeof Property>): z.output<typeof Type> {
  const others = property.anyOf?.filter(({ type }) => type !== 'null') ?? [];
  return others.length === 1 ? others[0]! : property;
}

function textOf(value: unknown, { kind }: Field): string {
  if (kind === 'check' || kind === 'submit') return value === true ? 'on' : '';
  if ((kind === 'lines' || kind === 'numbers') && Array.isArray(value)) return value.join('\n');
  return kind === 'json' ? JSON.stringify(value) : String(value);
}

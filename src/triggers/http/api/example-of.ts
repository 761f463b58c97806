type Schema = {
  type?: string | string[];
  const?: unknown;
  'x-example'?: unknown;
  enum?: unknown[];
  default?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  minItems?: number;
  minimum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  format?: string;
  pattern?: string;
  additionalProperties?: unknown;
};

/** Texts of a form that a schema asks for. */
const BY_FORMAT: Readonly<Record<string, string>> = {
  uuid: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b11',
  'date-time': '2026-11-29T12:00:00.000Z',
  date: '2026-11-29',
  email: 'olga@example.com',
  'idn-email': 'olga@example.com',
  uri: 'https://example.com/',
};

/** Texts and numbers by the name of their field, where the schema does not say what they look like. */
const BY_NAME: Readonly<Record<string, string | number>> = {
  telegram_id: 100001,
  telegram_ids: 100001,
  user_uuids: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b11',
  payment_id: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b11',
  otp_code: '123456',
  job_id: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b11',
  locale: 'en-EN',
};

/** A value of this schema, as an example for people: all fields that must be there, and those of answers that may be. */
export function exampleOf(given: object, name = ''): unknown {
  const schema = given as Schema;
  if (schema['x-example'] !== undefined) return schema['x-example'];
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return exampleOf(choices.find((choice) => fitsName(choice, name)) ?? choices[0]!, name);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => exampleOf(part, name)));
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'object':
      return objectExample(schema);
    case 'array':
      return Array.from({ length: Math.max(1, schema.minItems ?? 1) }, () => exampleOf(schema.items ?? {}, name));
    case 'integer':
    case 'number':
      return numberExample(schema, name);
    case 'boolean':
      return true;
    case 'string':
      return textExample(schema, name);
    case 'null':
      return null;
    default:
      return 'example';
  }
}

const fitsName = ({ type }: Schema, name: string): boolean => {
  const known = BY_NAME[name];
  if (known === undefined) return false;
  return typeof known === 'number' ? type === 'integer' || type === 'array' : type === 'string';
};

function objectExample({ properties = {}, required = [] }: Schema): unknown {
  const shown = Object.entries(properties).filter(([name]) => required.includes(name));
  return Object.fromEntries(shown.map(([name, field]) => [name, exampleOf(field, name)]));
}

function numberExample({ exclusiveMinimum, minimum = 0 }: Schema, name: string): number {
  const least = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1;
  const known = BY_NAME[name];
  return typeof known === 'number' ? known : Math.max(1, least);
}

function textExample({ format, minLength = 0, pattern }: Schema, name: string): string {
  const known = BY_FORMAT[format ?? ''] ?? BY_NAME[name];
  if (typeof known === 'string') return known;
  const text = name === '' || pattern !== undefined ? 'example' : `example ${name.replaceAll('_', ' ')}`;
  return text.padEnd(minLength, 'x');
}

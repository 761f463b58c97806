import { z } from 'zod';
import { PROBLEMS, Problem, ProblemBody, type ProblemKind, problemText } from '../problem.ts';
import { namesOfSchemas } from './schemas.ts';

export type Json = Record<string, unknown>;

/** The headers of answers, in the words of the document. */
const HEADERS = {
  'Retry-After': { description: 'Seconds to wait before the next try', schema: { type: 'integer' } },
  Allow: { description: 'The methods that this address takes', schema: { type: 'string' } },
  'WWW-Authenticate': { description: 'How to say who is calling', schema: { type: 'string' } },
  Location: { description: 'The address of the job', schema: { type: 'string', format: 'uri-reference' } },
  'Content-Range': { description: 'Which bytes of how many these are', schema: { type: 'string' } },
  'Content-Disposition': { description: 'The name of the file', schema: { type: 'string' } },
  'Accept-Ranges': { description: '`bytes`: a part can be asked for', schema: { type: 'string' } },
} as const;

export type HeaderName = keyof typeof HEADERS;

const HEADERS_OF_PROBLEMS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  416: ['Content-Range'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

/** The parts of an OpenAPI document that its operations share. Each schema, answer and header stands there once, under its name. */
export class Components {
  readonly schemas: Record<string, Json> = {};
  readonly responses: Record<string, Json> = {};
  readonly headers: Record<string, Json> = {};

  /** A reference to this schema, under its own name or else this one. */
  ref(schema: z.ZodType, name: string, io: 'input' | 'output'): Json {
    const own = namesOfSchemas.get(schema)?.id ?? pascal(name);
    const { $defs = {}, ...root } = jsonSchemaOf(schema, io);
    for (const [id, part] of Object.entries($defs as Record<string, Json>)) this.schemas[id] = withoutId(part);
    // One that has a name of its own is among its parts.
    if (!('$ref' in root)) this.schemas[own] = withoutId(root);
    return { $ref: `#/components/schemas/${own}` };
  }

  /** The schema without references. */
  inline(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
    return rest;
  }

  headersOf(names: readonly HeaderName[]): Json {
    for (const name of names) this.headers[name] = HEADERS[name];
    return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
  }

  /** The problems of a route by their status, which several kinds may share. */
  problems(kinds: readonly ProblemKind[]): Json {
    const statuses = new Set(kinds.map((kind) => PROBLEMS[kind].status));
    return Object.fromEntries([...statuses].map((status) => [status, this.#problem(status)]));
  }

  #problem(status: number): Json {
    const all = (Object.keys(PROBLEMS) as ProblemKind[]).filter((kind) => PROBLEMS[kind].status === status);
    const headers = HEADERS_OF_PROBLEMS[status];
    const name = pascal(all[0]!);
    this.responses[name] ??= {
      description: all.map((kind) => PROBLEMS[kind].title).join('; '),
      ...(headers && { headers: this.headersOf(headers) }),
      content: {
        'application/problem+json': {
          schema: this.ref(ProblemBody, 'Problem', 'output'),
          examples: Object.fromEntries(all.map((kind) => [kind, { value: problemExample(kind) }])),
        },
      },
    };
    return { $ref: `#/components/responses/${name}` };
  }
}

const problemExample = (kind: ProblemKind): unknown =>
  JSON.parse(problemText(new Problem(kind, `${PROBLEMS[kind].title}.`), '/api/v1/overview'));

/** The descriptions of all schemas, and the names of those that have one. */
const WITH_NAMES = {
  get: (schema: z.ZodType) => ({ ...z.globalRegistry.get(schema), ...namesOfSchemas.get(schema) }),
} as unknown as z.core.$ZodRegistry<{ id?: string }>;

/** Parts that have a name of their own become references to `components`. */
function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const options = { io, unrepresentable: 'any', metadata: WITH_NAMES } as const;
  const strict = io === 'input' && { override: refuseUnknown };
  const { $schema, ...rest } = z.toJSONSchema(schema, { ...options, ...strict });
  return JSON.parse(JSON.stringify(rest).replaceAll('"#/$defs/', '"#/components/schemas/'));
}

/** The door refuses fields that an object does not have (`lib/unknown-fields.ts`), so the document says so. */
function refuseUnknown({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.properties !== undefined) jsonSchema.additionalProperties ??= false;
}

const withoutId = ({ id, ...schema }: Json): Json => schema;

/** `dispatch_task` and `too-large` as a name of a type. */
const pascal = (name: string): string =>
  name.replaceAll(/(?:^|[-_])(\w)/g, (_, letter: string) => letter.toUpperCase());

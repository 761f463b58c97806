import { z } from 'zod';
import { payloadSchema } from '../../../runtime/describe-task.ts';
import type { TaskRegistry } from '../../../runtime/registry.ts';
import { PROBLEMS, ProblemBody, type ProblemKind } from '../problem.ts';
import type { Answer, ApiRoute } from './route.ts';

type Json = Record<string, unknown>;

/** Every route may answer with these. */
const ALWAYS: readonly ProblemKind[] = ['bad-request', 'unauthorized', 'forbidden', 'too-many-requests', 'unavailable'];

/** The OpenAPI 3.1 document of the routes, with one more path for each task, so that generated clients have typed payloads. */
export function openApi(routes: readonly ApiRoute[], registry: TaskRegistry, version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  const dispatch = routes.find(({ id }) => id === 'dispatchTask');
  if (dispatch) {
    for (const task of registry.tasks) {
      const { parameters, ...rest } = operation(dispatch);
      paths[`/api/v1/tasks/${task.name}`] = {
        post: {
          ...rest,
          operationId: `dispatch_${task.name}`,
          summary: task.summary,
          parameters: (parameters as Json[]).filter((parameter) => parameter.in !== 'path'),
          requestBody: jsonBody(payloadSchema(task)),
        },
      };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'CyberVPN task worker',
      version,
      description: 'Dispatch tasks, follow jobs, replay what failed. Errors are problem details (RFC 9457).',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(ProblemBody, 'output') },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of API_TOKENS' },
        session: { type: 'apiKey', in: 'cookie', name: 'worker_session', description: 'Set by the login form' },
      },
    },
  };
}

function operation(route: ApiRoute): Json {
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, neededRole(route)].filter(Boolean).join(' '),
    'x-role': route.needs,
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...parameters(route.headers, 'header'),
    ],
    ...(route.body && { requestBody: jsonBody(schemaOf(route.body, 'input')) }),
    responses: { ...answers(route.answers), ...problems([...ALWAYS, ...(route.problems ?? [])]) },
  };
}

const neededRole = ({ isOpenTo, needs }: ApiRoute): string =>
  `Needs the role \`${needs}\` or a higher one${isOpenTo ? ', or a signed link' : ''}.`;

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query' | 'header'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...rest }]) => ({
    name: place === 'header' ? headerName(name) : name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description !== undefined && { description }),
    schema: rest,
  }));
}

/** `idempotency-key` as people write it: `Idempotency-Key`. */
const headerName = (name: string): string => name.replaceAll(/(^|-)\w/g, (letter) => letter.toUpperCase());

function answers(all: ApiRoute['answers']): Json {
  return Object.fromEntries(Object.entries(all).map(([status, answer]) => [status, answerBody(answer)]));
}

function answerBody({ description, mediaType, schema }: Answer): Json {
  if (!schema && mediaType === undefined) return { description };
  const content = { [mediaType ?? 'application/json']: schema ? { schema: schemaOf(schema, 'output') } : {} };
  return { description, content };
}

/** Several kinds may share a status. */
function problems(kinds: readonly ProblemKind[]): Json {
  const byStatus = Map.groupBy(new Set(kinds), (kind) => PROBLEMS[kind].status);
  return Object.fromEntries(
    [...byStatus].map(([status, same]) => [
      status,
      {
        description: same.map((kind) => PROBLEMS[kind].title).join('; '),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

const jsonBody = (schema: Json): Json => ({ required: true, content: { 'application/json': { schema } } });

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

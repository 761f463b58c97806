import type { z } from 'zod';
import type { AnyTask } from '../../../runtime/define-task.ts';
import type { TaskRegistry } from '../../../runtime/registry.ts';
import type { ProblemKind } from '../problem.ts';
import { Components, type Json } from './components.ts';
import { exampleOf } from './example-of.ts';
import type { Answer, ApiRoute } from './route.ts';

/** Every route may answer with these. */
const ALWAYS: readonly ProblemKind[] = [
  ...(['bad-request', 'unauthorized', 'forbidden', 'method-not-allowed'] as const),
  ...(['too-many-requests', 'internal', 'unavailable'] as const),
];
/** And every route that takes a body with these. */
const WITH_BODY: readonly ProblemKind[] = ['too-large', 'unsupported-media-type'];

/** The OpenAPI 3.1 document of the routes, with one more path for each task, so that generated clients have typed payloads. */
export function openApi(routes: readonly ApiRoute[], registry: TaskRegistry, version: string): Json {
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, components) };
  }
  const dispatch = routes.find(({ id }) => id === 'dispatchTask');
  if (dispatch) {
    const general = operation(dispatch, components);
    for (const task of registry.tasks) {
      paths[`/api/v1/tasks/${task.name}`] = { post: dispatchOf(task, general, components) };
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
    tags: [...new Set(routes.map(({ tag }) => tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: components.schemas,
      responses: components.responses,
      headers: components.headers,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of API_TOKENS' },
        session: { type: 'apiKey', in: 'cookie', name: 'worker_session', description: 'Set by the login form' },
      },
    },
  };
}

/** The general dispatch with the name filled in. */
function dispatchOf(task: AnyTask, { parameters, ...rest }: Json, components: Components): Json {
  return {
    ...rest,
    operationId: `dispatch_${task.name}`,
    summary: task.summary.en,
    parameters: (parameters as Json[]).filter((parameter) => parameter.in !== 'path'),
    // A task without required fields is dispatched without a body, too.
    requestBody: requestBody(task.payload, `${task.name}_payload`, components, task.payload.safeParse({}).success),
  };
}

function operation(route: ApiRoute, components: Components): Json {
  const kinds = [...ALWAYS, ...(route.body ? WITH_BODY : []), ...(route.problems ?? [])];
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, neededRole(route)].filter(Boolean).join(' '),
    'x-role': route.needs,
    parameters: [
      ...parameters(route.params, 'path', components),
      ...parameters(route.query, 'query', components),
      ...parameters(route.headers, 'header', components),
    ],
    ...(route.body && { requestBody: requestBody(route.body, `${route.id}_body`, components) }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [status, answerBody(answer, route.id, components)]),
      ),
      ...components.problems(kinds),
    },
  };
}

/** A body may be left out where a request without one is right. */
function requestBody(
  schema: z.ZodType,
  name: string,
  components: Components,
  isOptional = schema.safeParse(undefined).success,
): Json {
  const content = {
    schema: components.ref(schema, name, 'input'),
    example: exampleOf(components.inline(schema, 'input')),
  };
  return { required: !isOptional, content: { 'application/json': content } };
}

const neededRole = ({ isOpenTo, needs }: ApiRoute): string =>
  `Needs the role \`${needs}\` or a higher one${isOpenTo ? ', or a signed link' : ''}.`;

function parameters(schema: z.ZodType | undefined, place: 'path' | 'query' | 'header', components: Components): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = components.inline(schema, 'input') as {
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

function answerBody(
  { description, headers = [], mediaType, schema }: Answer,
  id: string,
  components: Components,
): Json {
  const named = headers.length === 0 ? {} : { headers: components.headersOf(headers) };
  if (!schema && mediaType === undefined) return { description, ...named };
  const content = schema
    ? {
        schema: components.ref(schema, `${id}_answer`, 'output'),
        example: exampleOf(components.inline(schema, 'output')),
      }
    : streamed(mediaType);
  return { description, ...named, content: { [mediaType ?? 'application/json']: content } };
}

/** Bytes are a text in this notation. Each event of a stream has its own form, which no schema of the whole can say. */
const streamed = (mediaType: string | undefined): Json =>
  mediaType === 'application/octet-stream' ? { schema: { type: 'string', format: 'binary' } } : {};

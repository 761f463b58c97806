import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loadTasks } from '../../src/runtime/registry.ts';
import { openApi } from '../../src/triggers/http/api/openapi.ts';
import { apiRoutes } from '../../src/triggers/http/api/routes.ts';
import { withoutRefs } from '../../src/triggers/http/api/without-refs.ts';
import type { HttpContext } from '../../src/triggers/http/context.ts';
import { pythonClient } from './python-client.ts';
import { typescriptClient } from './typescript-client.ts';

const BIOME = fileURLToPath(new URL('../../node_modules/.bin/biome', import.meta.url));

/** The part of JSON Schema that the API uses. */
export type Schema = {
  type?: string | string[];
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
};

/** One call of the API, for the templates of the clients. */
export type ApiCall = {
  /** `dispatch_send_notification`, `getJob`. */
  id: string;
  summary: string;
  method: string;
  /** `/api/v1/jobs/{id}`. */
  path: string;
  parameters: { name: string; place: 'path' | 'query' | 'header'; description: string }[];
  body: Schema | undefined;
  answer: Schema | undefined;
};

/** The example clients in `examples/`, by path: made from the same document that the service serves. */
export async function clients(): Promise<readonly [path: string, text: string][]> {
  const calls = await apiCalls();
  return [
    ['examples/typescript/worker-api.ts', formatted('worker-api.ts', typescriptClient(calls))],
    ['examples/python/worker_api.py', pythonClient(calls)],
  ];
}

async function apiCalls(): Promise<ApiCall[]> {
  const registry = await loadTasks();
  // Only the descriptions of the routes are needed; none is called.
  const context = { registry, exports: {} } as unknown as HttpContext;
  const { paths } = withoutRefs(openApi(apiRoutes(context), registry, '')) as {
    paths: Record<string, Record<string, Operation>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { responses }]) => jsonAnswer(responses) !== undefined)
      .map(([method, operation]) => ({
        id: operation.operationId,
        summary: operation.summary,
        method: method.toUpperCase(),
        path,
        parameters: operation.parameters.map(({ description = '', in: place, name }) => ({ name, place, description })),
        body: operation.requestBody?.content['application/json'].schema,
        answer: jsonAnswer(operation.responses),
      })),
  );
}

type Operation = {
  operationId: string;
  summary: string;
  parameters: { name: string; in: 'path' | 'query' | 'header'; description?: string }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
  responses: Record<string, { content?: { 'application/json'?: { schema: Schema } } }>;
};

/** The schema of the first successful answer; streams and files are left to the reader. */
const jsonAnswer = (responses: Operation['responses']): Schema | undefined =>
  Object.entries(responses)
    .filter(([status]) => Number(status) < 300)
    .map(([, response]) => response.content?.['application/json']?.schema)
    .find((schema) => schema !== undefined);

/** Throws where the formatter gives nothing back: an empty file would be written without a word. */
function formatted(name: string, text: string): string {
  const written = execFileSync(BIOME, ['format', `--stdin-file-path=${name}`], { input: text, encoding: 'utf8' });
  if (written.trim() === '') throw new Error(`biome gave nothing back for ${name}`);
  return written;
}

import { randomBytes } from 'node:crypto';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { httpContext } from '../app/doors/http.ts';
import type { HttpContext } from '../triggers/http/context.ts';
import { buildServer } from '../triggers/http/server.ts';
import { type TestApp, testApp } from './test-app.ts';

/** The whole application with its HTTP server, and valid API tokens. */
export interface HttpWorld extends AsyncDisposable {
  readonly world: TestApp;
  readonly context: HttpContext;
  readonly server: FastifyInstance;
  /** Olga and the backend are owners; the others have the role of their name. */
  readonly tokens: Readonly<Record<'olga' | 'backend' | 'view' | 'support' | 'admin', string>>;
  /** Sends a request with Olga's token. */
  call(
    method: NonNullable<InjectOptions['method']>,
    url: string,
    options?: InjectOptions,
  ): Promise<LightMyRequestResponse>;
}

export type HttpWorldOptions = {
  /** Overrides single variables of the test's environment, in which one yes is always enough. */
  env?: Readonly<Record<string, string>>;
  /** Replaces parts of the routes' context. */
  change?: (context: HttpContext) => Partial<HttpContext>;
};

/** Built once per test file. */
export async function httpWorld({ env = {}, change = () => ({}) }: HttpWorldOptions = {}): Promise<HttpWorld> {
  const stack = new AsyncDisposableStack();
  const token = (): string => randomBytes(16).toString('hex');
  const tokens = { olga: token(), backend: token(), view: token(), support: token(), admin: token() };
  const { admin, backend, olga, support, view } = tokens;
  const limited = `view:${view}:view,support:${support}:support,admin:${admin}:admin`;
  const world = stack.use(
    await testApp({ APPROVAL_ABOVE: 'off', ...env, API_TOKENS: `olga:${olga},backend:${backend},${limited}` }),
  );
  const built = httpContext(world.app)!;
  const context: HttpContext = { ...built, ...change(built) };
  const server = await buildServer({
    health: {},
    metrics: { render: async () => 'up 1\n', basicAuth: undefined },
    operations: context,
    trustProxy: world.app.config.TRUST_PROXY,
  });
  stack.defer(() => server.close());
  await server.ready();
  return {
    world,
    context,
    server,
    tokens,
    call: (method, url, options = {}) =>
      server.inject({
        method,
        url,
        ...options,
        headers: { authorization: `Bearer ${tokens.olga}`, ...options.headers },
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

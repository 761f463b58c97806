import { type FastifyInstance, fastify } from 'fastify';
import { type Proxies, trustIn } from '../../lib/proxies.ts';
import type { HttpContext } from './context.ts';
import { type CryptobotWebhookOptions, registerCryptobotWebhook } from './cryptobot-webhook.ts';
import { addSecurityHeaders } from './headers.ts';
import { type HealthChecks, registerHealth } from './health.ts';
import { type MetricsOptions, registerMetrics } from './metrics.ts';
import { registerOperations } from './operations.ts';
import { answerProblem, Problem } from './problem.ts';

export type HttpOptions = {
  port: number;
  health: HealthChecks;
  metrics: MetricsOptions;
  /** API, operations page and queues. Without any API token they are off, and only health and metrics answer. */
  operations?: HttpContext | undefined;
  cryptobotWebhook?: CryptobotWebhookOptions | undefined;
  /** Proxies whose `X-Forwarded-For` counts; nobody's where absent. */
  trustProxy?: Proxies | undefined;
};

/** Larger bodies are refused with 413 before they are read; a route that needs more says so. */
const BODY_BYTES = 1_048_576;

/** The server with all its routes, not listening yet. */
export function buildServer({
  cryptobotWebhook,
  health,
  metrics,
  operations,
  trustProxy = 0,
}: Omit<HttpOptions, 'port'>): FastifyInstance {
  const server = fastify({
    bodyLimit: BODY_BYTES,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    logger: false,
    trustProxy: trustIn(trustProxy),
    // The routes' own schemas limit the length.
    routerOptions: { maxParamLength: 4_096 },
    // Answers requests that the router itself refuses, such as an address with broken escapes.
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply, operations?.log),
  });
  addSecurityHeaders(server);
  registerHealth(server, health);
  registerMetrics(server, metrics);
  if (cryptobotWebhook) registerCryptobotWebhook(server, cryptobotWebhook);
  if (operations) registerOperations(server, operations);
  const nothing = operations
    ? 'There is nothing at this address that takes this method; /api/docs has all calls.'
    : 'Without API_TOKENS only health and metrics answer; set it to have the API and the operations page.';
  server.setNotFoundHandler((request, reply) =>
    answerProblem(new Problem('not-found', nothing), request, reply, operations?.log),
  );
  return server;
}

/** Opens the port; resolves with the server listening on all interfaces of the container. */
export async function startHttp({ port, ...options }: HttpOptions): Promise<FastifyInstance> {
  const server = buildServer(options);
  await server.listen({ port, host: '0.0.0.0' });
  return server;
}

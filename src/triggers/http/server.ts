import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import { seconds } from '../../lib/duration.ts';
import { loadPart } from '../../lib/load-part.ts';
import { type Proxies, trustIn } from '../../lib/proxies.ts';
import { type AlertmanagerWebhookOptions, registerAlertmanagerWebhook } from './alertmanager-webhook.ts';
import { AllowedMethods } from './allowed-methods.ts';
import { answerBrokenRequest } from './broken-request.ts';
import { limitConnections } from './connections.ts';
import { wantsPage } from './console/wants-page.ts';
import type { HttpContext } from './context.ts';
import { type CryptobotWebhookOptions, registerCryptobotWebhook } from './cryptobot-webhook.ts';
import { addSecurityHeaders } from './headers.ts';
import { type HealthChecks, registerHealth } from './health.ts';
import { type MetricsOptions, registerMetrics } from './metrics.ts';
import { answerProblem, Problem } from './problem.ts';
import { type RemnawaveWebhookOptions, registerRemnawaveWebhook } from './remnawave-webhook.ts';

export type HttpOptions = {
  port: number;
  /** The address to listen on; `::` is all addresses, IPv6 and IPv4. */
  host: string;
  health: HealthChecks;
  metrics: MetricsOptions;
  /** API, console and queues. Without any API token they are off, and only health and metrics answer. */
  operations?: HttpContext | undefined;
  cryptobotWebhook?: CryptobotWebhookOptions | undefined;
  /** Events of the panel. Without its secret the route is not there. */
  remnawaveWebhook?: RemnawaveWebhookOptions | undefined;
  /** Alerts of Prometheus. Without its secret the route is not there. */
  alertmanagerWebhook?: AlertmanagerWebhookOptions | undefined;
  /** Proxies whose `X-Forwarded-For` counts; nobody's where absent. */
  trustProxy?: Proxies | undefined;
};

/** Larger bodies are refused with 413 before they are read; a route that needs more says so. */
const BODY_BYTES = 1_048_576;

/** What a client may take of time and connections before it has sent a whole request. */
export type ConnectionLimits = { headersMs: number; requestMs: number; connections: number };

const LIMITS: ConnectionLimits = {
  headersMs: seconds(15),
  /** 8 MB within a minute is a slow line. */
  requestMs: seconds(60),
  /** Five times the event streams that a process has at most. */
  connections: 1_000,
};

/**
 * Connections that the kernel holds until this process takes them; the kernel's own limit is `net.core.somaxconn`, 4,096 on Linux. One more
 * is dropped without a word and comes again after a second: with Node's 511, a probe that came within a burst of connections waited for it.
 */
const BACKLOG = 4_096;

/** The server with all its routes, not listening yet. API and console are loaded only where there is a token for them. */
export async function buildServer(
  options: Omit<HttpOptions, 'port' | 'host'>,
  limits = LIMITS,
): Promise<FastifyInstance> {
  const {
    alertmanagerWebhook,
    cryptobotWebhook,
    health,
    metrics,
    operations,
    remnawaveWebhook,
    trustProxy = 0,
  } = options;
  const loaded = operations && (await loadPart('The API and the console', () => import('./operations.ts')));
  const log = operations?.log ?? cryptobotWebhook?.log ?? remnawaveWebhook?.log;
  const server = fastify({
    bodyLimit: BODY_BYTES,
    exposeHeadRoutes: true,
    forceCloseConnections: true,
    logger: false,
    requestTimeout: limits.requestMs,
    // The views and the queue board are read from the disk, which may take long on a machine that has just started.
    pluginTimeout: seconds(60),
    http: { headersTimeout: limits.headersMs, connectionsCheckingInterval: limits.headersMs / 5 },
    clientErrorHandler: answerBrokenRequest,
    trustProxy: trustIn(trustProxy),
    // The routes' own schemas limit the length.
    routerOptions: { maxParamLength: 4_096 },
    // Answers requests that the router itself refuses, such as an address with broken escapes.
    frameworkErrors: (error, request, reply) => answerProblem(error, request, reply, log),
  });
  limitConnections(server.server, limits.connections);
  server.setErrorHandler((error, request, reply) =>
    answerPerson && request.is404 && wantsPage(request)
      ? answerPerson(error, request, reply)
      : answerProblem(error, request, reply, log),
  );
  const allowed = new AllowedMethods(server);
  addSecurityHeaders(server);
  registerHealth(server, health);
  registerMetrics(server, metrics);
  if (cryptobotWebhook) registerCryptobotWebhook(server, cryptobotWebhook);
  if (remnawaveWebhook) registerRemnawaveWebhook(server, remnawaveWebhook);
  if (alertmanagerWebhook) registerAlertmanagerWebhook(server, alertmanagerWebhook);
  const answerPerson = operations && loaded?.registerOperations(server, operations);
  const nothing = operations
    ? 'There is nothing at this address; /api/docs has all calls.'
    : 'Without API_TOKENS only health and metrics answer; set it to have the API and the console.';
  // Before a body is read, which some methods must have. It is left unread, so the connection cannot go on.
  server.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return;
    if (hasBody(request)) reply.header('connection', 'close');
    const methods = allowed.at(request.url.split('?')[0]!);
    throw methods.length === 0 ? new Problem('not-found', nothing) : wrongMethod(methods);
  });
  return server;
}

/**
 * Opens the port; resolves with the server listening. A machine without IPv6 has no address `::`, so there all its IPv4 addresses are
 * meant.
 */
export async function startHttp({ host, port, ...options }: HttpOptions, limits = LIMITS): Promise<FastifyInstance> {
  const server = await buildServer(options, limits);
  try {
    await server.listen({ port, host, backlog: BACKLOG });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (host !== '::' || !NO_IPV6.has(code)) throw error;
    await server.listen({ port, host: '0.0.0.0', backlog: BACKLOG });
  }
  return server;
}

const NO_IPV6: ReadonlySet<string> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

const hasBody = ({ headers }: FastifyRequest): boolean =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

const wrongMethod = (methods: readonly string[]): Problem =>
  new Problem('method-not-allowed', `This address takes ${methods.join(', ')}.`, {
    headers: { allow: methods.join(', ') },
  });

import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import type { Guard } from './auth/guard.ts';
import { withoutSecrets } from './auth/secrets.ts';
import type { HttpContext } from './context.ts';
import { answerProblem, Problem } from './problem.ts';

const PATH = '/queues';

/** The board sets styles from its scripts and in its page; scripts themselves are files of its own. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const FOR_LOOKING = 'The board is for looking; what changes something goes through the API.';

/** The board's page loads fonts from Google; this service loads nothing from other hosts. */
const OUTSIDE_FONTS = 'fonts.googleapis.com';

/**
 * Shows bull-board behind the same login, for looking only. Changes go through the API, which checks them and records who made them. Codes
 * and tokens in payloads and results are hidden.
 */
export function registerQueueBoard(server: FastifyInstance, { log, queues }: HttpContext, guard: Guard): void {
  const adapter = new FastifyAdapter();
  adapter.setBasePath(PATH);
  createBullBoard({
    queues: [...queues.entries()].map(([name, queue]) => {
      const board = new BullMQAdapter(queue, { readOnlyMode: true, displayName: name });
      board.setFormatter('data', (data) => withoutSecrets(data));
      board.setFormatter('returnValue', (result) => withoutSecrets(result));
      return board;
    }),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Queues', hideRedisDetails: true } },
  });
  void server.register((scope, _options, done) => {
    guard.closeToStrangers(scope, 'admin');
    scope.addHook('onRequest', async (request, reply) => {
      if (request.method === 'GET' || request.method === 'HEAD') return undefined;
      const problem = new Problem('method-not-allowed', FOR_LOOKING, { headers: { allow: 'GET, HEAD' } });
      return answerProblem(problem, request, reply, log);
    });
    scope.addHook('onRoute', (route) => {
      const forLooking = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD');
      if (!forLooking) route.config = { ...route.config, isShut: true };
    });
    scope.addHook('onSend', async (_request, reply, payload) => {
      reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
      return typeof payload === 'string' ? withoutOutsideFonts(payload) : payload;
    });
    void scope.register(adapter.registerPlugin(), { prefix: PATH });
    done();
  });
}

/** Looks at each character once: the board's answers hold what others sent. */
function withoutOutsideFonts(page: string): string {
  const kept: string[] = [];
  for (let at = 0; ; ) {
    const from = page.indexOf('<link', at);
    const end = from === -1 ? -1 : page.indexOf('>', from);
    if (end === -1) return kept.join('') + page.slice(at);
    const tag = page.slice(from, end + 1);
    kept.push(page.slice(at, from), tag.includes(OUTSIDE_FONTS) ? '' : tag);
    at = end + 1;
  }
}

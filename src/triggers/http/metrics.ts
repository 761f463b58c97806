import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.ts';

export type MetricsOptions = {
  /** Renders the metrics of all processes of this container as one Prometheus text. */
  render(): Promise<string>;
  /** `user:password`; the metrics are open when absent. */
  basicAuth: string | undefined;
};

export function registerMetrics(server: FastifyInstance, options: MetricsOptions): void {
  server.get('/metrics', async (request, reply) => {
    if (options.basicAuth !== undefined && !matches(request.headers.authorization, options.basicAuth)) {
      throw new Problem('unauthorized', 'Metrics need the user and password of METRICS_BASIC_AUTH.', {
        headers: { 'www-authenticate': 'Basic realm="metrics"' },
      });
    }
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await options.render());
  });
}

/** Compares digests, so that the time taken says nothing about the password. */
function matches(header: string | undefined, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Basic ${Buffer.from(expected).toString('base64')}`));
}

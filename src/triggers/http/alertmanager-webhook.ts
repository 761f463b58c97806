import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { errorMessage } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import { readJsonModestly } from './json-body.ts';
import { Problem, unavailable } from './problem.ts';

export type AlertmanagerWebhookOptions = {
  /** The token, or the password of any user. */
  secret: string;
  /** Takes the alerts of one delivery in. Rejects where they are to be sent again. */
  take(alerts: readonly unknown[]): Promise<Readonly<Record<string, number>>>;
  log: Log;
};

/** Some hundred alerts with their texts. */
const BODY_BYTES = 524_288;
const ALERTS = 1_000;

/** Version 4 of Alertmanager's webhook. */
const Body = z.object({ version: z.literal('4'), alerts: z.array(z.unknown()).max(ALERTS) });

/**
 * `POST /webhooks/alertmanager`: 200 once the alerts are taken; 401 without the secret as bearer token or password; 400 where the body is not
 * what Alertmanager sends; 413 when too large; 503 where they were not taken, so that Alertmanager sends them again.
 */
export function registerAlertmanagerWebhook(server: FastifyInstance, options: AlertmanagerWebhookOptions): void {
  const { log, secret, take } = options;
  void server.register((scope, _options, registered) => {
    readJsonModestly(scope);
    // Before a body is read.
    scope.addHook('onRequest', async (request) => {
      if (isKnown(request, secret)) return;
      throw new Problem('unauthorized', 'This needs ALERTMANAGER_WEBHOOK_SECRET as bearer token or password.', {
        headers: { 'www-authenticate': 'Bearer realm="alertmanager", Basic realm="alertmanager"' },
      });
    });
    scope.post('/webhooks/alertmanager', { bodyLimit: BODY_BYTES }, async (request) => {
      const body = Body.safeParse(request.body);
      if (!body.success) throw new Problem('bad-request', 'The body is nothing that Alertmanager sends (version 4).');
      try {
        return await take(body.data.alerts);
      } catch (err) {
        log.warn({ err, reason: errorMessage(err) }, 'alerts of Alertmanager not taken, it sends them again');
        throw unavailable('The alerts are not taken; send them again.');
      }
    });
    registered();
  });
}

/** Compares digests, so that the time taken says nothing about the secret. */
function isKnown({ headers: { authorization = '' } }: FastifyRequest, secret: string): boolean {
  const [scheme = '', given = ''] = authorization.split(' ');
  const password = Buffer.from(given, 'base64')
    .toString()
    .replace(/^[^:]*:/, '');
  const told = scheme.toLowerCase() === 'basic' ? password : scheme.toLowerCase() === 'bearer' ? given : '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(told), digest(secret));
}

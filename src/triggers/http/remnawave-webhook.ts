import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Log } from '../../observability/log.ts';
import type { ReceivedEvent } from '../../repositories/webhook-logs.ts';
import { registerSignedWebhook } from './signed-webhook.ts';

/** An event as its row in `webhook_logs` tells it. */
type NamedEvent = { name: string; namesWhom: string | undefined };

export type RemnawaveWebhookOptions<Event extends NamedEvent = NamedEvent> = {
  /** Whether the panel signed exactly these bytes. */
  verify(rawBody: Buffer, signature: string | undefined): boolean;
  /** Reads a verified body. Throws for a body that is no event. */
  read(rawBody: Buffer): Event;
  /** Has that looked at which the event is about, soon. Repeating it changes nothing. */
  look(event: Event): Promise<void>;
  /** Stores the delivery in `webhook_logs`. */
  store(event: ReceivedEvent): Promise<void>;
  /** Counts a delivery by what became of it. */
  count(event: string | undefined, outcome: 'taken' | 'refused' | 'put_off'): void;
  log: Log;
};

/**
 * `POST /webhooks/remnawave`: 200 once the look is asked for and the event is stored; 503 where Redis or PostgreSQL did not take it, so that
 * the panel sends it again. The look comes first: without its row it is a look too many, a row without it would claim a look that nobody
 * asked for.
 */
export function registerRemnawaveWebhook<Event extends NamedEvent>(
  server: FastifyInstance,
  { count, log, look, read, store, verify }: RemnawaveWebhookOptions<Event>,
): void {
  registerSignedWebhook(server, {
    route: '/webhooks/remnawave',
    sender: 'the panel',
    // X-Remnawave-Timestamp is not signed, so nothing reads it.
    header: 'x-remnawave-signature',
    realm: 'remnawave',
    ...{ log, read, verify },
    async accept({ signature, update }) {
      const { name: eventType, namesWhom: subject } = update;
      try {
        await look(update);
        const about = subject === undefined ? {} : { subject };
        await store({ id: randomUUID(), isValid: true, eventType, signature, ...about });
      } catch (err) {
        log.warn({ err, event: eventType }, 'event of the panel not taken, the panel sends it again');
        count(eventType, 'put_off');
        return false;
      }
      count(eventType, 'taken');
      return true;
    },
    onRefused: () => count(undefined, 'refused'),
    refused: (refusal) => store({ id: randomUUID(), isValid: false, eventType: undefined, ...refusal }),
  });
}

import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { minutes } from '../../lib/duration.ts';
import { errorMessage } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import type { ReceivedWebhook } from '../../repositories/webhook-logs.ts';
import { Problem, unavailable } from './problem.ts';

export type CryptobotWebhookOptions = {
  /** Whether Crypto Pay signed exactly these bytes. */
  verify(rawBody: Buffer, signature: string | undefined): boolean;
  /** Reads a verified body. Throws for a body that is not an update. */
  read(rawBody: Buffer): {
    id: string;
    type: string;
    invoice: { id: string; status: string } | undefined;
    /** Why nothing but the id of the invoice could be read. */
    unreadable?: string;
  };
  /** Stores the delivery in `webhook_logs`. */
  store(webhook: ReceivedWebhook): Promise<void>;
  /** Hands a paid invoice over; several deliveries of one invoice are one job. */
  dispatch(invoiceId: string, rawBody: string, signature: string): Promise<void>;
  log: Log;
};

const ROUTE = '/webhooks/cryptobot';
const SIGNATURE = 'crypto-pay-api-signature';

/** An update of Crypto Pay has about 2 KB; its `payload` field has up to 4 KB. */
const BODY_BYTES = 65_536;

/** Anybody can send a forged webhook: this many a minute are stored, the others are only answered. */
const REFUSED_KEPT = 60;

/**
 * `POST /webhooks/cryptobot`: 200 once the delivery is stored or dispatched, also where only the id of its invoice can be read; 401 without a
 * right signature, 400 where signed bytes are not an update, 413 when too large, 415 where the content type is not a media type, 503 when
 * neither PostgreSQL nor Redis took it. `retry_failed_webhooks` finds a delivery that was stored but not dispatched.
 */
export function registerCryptobotWebhook(server: FastifyInstance, options: CryptobotWebhookOptions): void {
  const keepsRefused = atMost(REFUSED_KEPT, minutes(1));

  void server.register((scope, _options, registered) => {
    // The signature covers the bytes, so nothing may parse them first, under any claimed type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );

    scope.post(ROUTE, { bodyLimit: BODY_BYTES }, async (request) => {
      const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const header = request.headers[SIGNATURE];
      const signature = typeof header === 'string' ? header : undefined;

      if (!options.verify(rawBody, signature)) {
        const reason = signature === undefined ? 'missing_signature' : 'bad_signature';
        await refuse({ eventType: undefined, reason, signature });
        throw new Problem('unauthorized', 'The signature is missing or wrong.', {
          headers: { 'www-authenticate': 'Signature realm="crypto-pay"' },
        });
      }
      const update = readOrNothing(rawBody);
      if (!update) {
        await refuse({ eventType: undefined, reason: 'invalid_payload', signature });
        throw new Problem('bad-request', 'The body is no update of Crypto Pay in UTF-8.');
      }
      if (await accept(update, rawBody, signature!)) return { status: 'accepted' };
      throw unavailable('The webhook is neither stored nor dispatched; send it again.');
    });
    registered();
  });

  function readOrNothing(rawBody: Buffer): ReturnType<CryptobotWebhookOptions['read']> | undefined {
    try {
      return options.read(rawBody);
    } catch (error) {
      options.log.warn({ reason: errorMessage(error), bytes: rawBody.length }, 'signed webhook can not be read');
      return undefined;
    }
  }

  async function refuse(webhook: Pick<ReceivedWebhook, 'eventType' | 'reason' | 'signature'>): Promise<void> {
    if (!keepsRefused()) return;
    options.log.warn({ reason: webhook.reason }, 'webhook of Crypto Pay refused');
    await options
      .store({ id: randomUUID(), isValid: false, ...webhook })
      .catch((err: unknown) => options.log.warn({ err }, 'refused webhook not stored'));
  }

  /** False when the delivery is neither stored nor dispatched. */
  async function accept(
    update: ReturnType<CryptobotWebhookOptions['read']>,
    rawBody: Buffer,
    signature: string,
  ): Promise<boolean> {
    const { id: updateId, invoice, type: eventType, unreadable } = update;
    const about = invoice ? { invoiceId: invoice.id, status: invoice.status } : {};
    const stored = await succeeds(
      options.store({ id: randomUUID(), isValid: true, eventType, signature, updateId, ...about }),
      'webhook not stored',
    );
    // Crypto Pay is asked about such an invoice by the next look for paid ones, which tells the admins what is wrong with it.
    if (unreadable !== undefined)
      options.log.warn({ invoice_id: invoice?.id, reason: unreadable }, 'invoice in a signed webhook can not be read');
    if (eventType !== 'invoice_paid' || !invoice || unreadable !== undefined) return stored;
    const dispatched = await succeeds(
      options.dispatch(invoice.id, rawBody.toString('utf8'), signature),
      'webhook not dispatched, it is found again in webhook_logs',
    );
    return stored || dispatched;
  }

  async function succeeds(work: Promise<void>, otherwise: string): Promise<boolean> {
    try {
      await work;
      return true;
    } catch (err) {
      options.log.warn({ err }, otherwise);
      return false;
    }
  }
}

/** True for the first `times` calls within each window. */
function atMost(times: number, windowMs: number): () => boolean {
  let left = times;
  let windowEnds = 0;
  return () => {
    if (performance.now() >= windowEnds) {
      windowEnds = performance.now() + windowMs;
      left = times;
    }
    left -= 1;
    return left >= 0;
  };
}

import type { FastifyInstance } from 'fastify';
import { minutes } from '../../lib/duration.ts';
import { errorMessage } from '../../lib/errors.ts';
import type { Log } from '../../observability/log.ts';
import { Problem, unavailable } from './problem.ts';

/** Why a delivery was refused. */
export type Refusal = {
  reason: 'missing_signature' | 'bad_signature' | 'invalid_payload';
  signature: string | undefined;
};

/** A delivery whose signature is right, and what its body says. */
export type SignedDelivery<Update> = { update: Update; rawBody: Buffer; signature: string };

export type SignedWebhookOptions<Update> = {
  route: string;
  /** The sender as people call it: `Crypto Pay`. */
  sender: string;
  /** The header of the signature, in lower case. */
  header: string;
  /** Of the challenge in an answer 401. */
  realm: string;
  /** Whether the sender signed exactly these bytes. */
  verify(rawBody: Buffer, signature: string | undefined): boolean;
  /** Reads a verified body. Throws for any other body. */
  read(rawBody: Buffer): Update;
  /** Takes a delivery. False where it must be sent again. */
  accept(delivery: SignedDelivery<Update>): Promise<boolean>;
  /** Told of every delivery that is refused. */
  onRefused?(): void;
  /** Keeps a delivery that was refused, up to so many a minute. Its failure changes no answer. */
  refused(refusal: Refusal): Promise<void>;
  log: Log;
};

/** An update of Crypto Pay has about 2 KB and up to 4 KB of `payload`; an event of the panel about a node with a long log has most. */
const BODY_BYTES = 65_536;

/** Anybody can send a forged webhook: this many a minute are stored, the others are only answered. */
const REFUSED_KEPT = 60;

/**
 * A route that takes signed deliveries: 200 once one is accepted, 401 without a right signature, 400 where signed bytes are not what the
 * sender sends, 413 when too large, 415 where the content type is not a media type, 503 where it was not taken: it is to be sent again.
 */
export function registerSignedWebhook<Update>(server: FastifyInstance, options: SignedWebhookOptions<Update>): void {
  const { accept, header: name, log, realm, route, sender, verify } = options;
  const keepsRefused = atMost(REFUSED_KEPT, minutes(1));

  void server.register((scope, _options, registered) => {
    // The signature covers the bytes, so nothing may parse them first, under any claimed type.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );

    scope.post(route, { bodyLimit: BODY_BYTES }, async (request) => {
      const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const header = request.headers[name];
      const signature = typeof header === 'string' ? header : undefined;

      if (signature === undefined || !verify(rawBody, signature)) {
        await refuse({ reason: signature === undefined ? 'missing_signature' : 'bad_signature', signature });
        throw new Problem('unauthorized', 'The signature is missing or wrong.', {
          headers: { 'www-authenticate': `Signature realm="${realm}"` },
        });
      }
      const read = readOrNothing(rawBody);
      if (!read) {
        await refuse({ reason: 'invalid_payload', signature });
        throw new Problem('bad-request', `The body is nothing in UTF-8 that ${sender} sends.`);
      }
      if (await accept({ ...read, rawBody, signature })) return { status: 'accepted' };
      throw unavailable('The webhook is neither stored nor dispatched; send it again.');
    });
    registered();
  });

  function readOrNothing(rawBody: Buffer): { update: Update } | undefined {
    try {
      return { update: options.read(rawBody) };
    } catch (error) {
      log.warn({ reason: errorMessage(error), bytes: rawBody.length }, 'signed webhook cannot be read');
      return undefined;
    }
  }

  async function refuse(refusal: Refusal): Promise<void> {
    options.onRefused?.();
    if (!keepsRefused()) return;
    log.warn({ reason: refusal.reason }, `webhook of ${sender} refused`);
    await options.refused(refusal).catch((err: unknown) => log.warn({ err }, 'refused webhook not stored'));
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

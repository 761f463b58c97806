import { z } from 'zod';
import { seconds } from '../../lib/duration.ts';
import { PermanentError, TransientError } from '../../lib/errors.ts';

/** Crypto Pay understood and refused: asking the same again cannot help. */
export class CryptoPayRefusal extends PermanentError {
  override name = 'CryptoPayRefusal';
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(code, message);
    this.status = status;
  }
}

/** Crypto Pay, or a proxy before it, failed. */
export class CryptoPayFailure extends TransientError {
  override name = 'CryptoPayFailure';
  readonly status: number;

  constructor(code: string, message: string, options: { status: number; retryAfterMs?: number | undefined }) {
    super(code, message, options);
    this.status = options.status;
  }
}

const Refused = z.object({ ok: z.literal(false), error: z.object({ code: z.int(), name: z.string() }) });

export type CryptoPayAnswer = { status: number; retryAfter: string | null; body: unknown };

/**
 * The error that an answer other than `{ok: true}` means. Crypto Pay repeats its HTTP status as `error.code`; where a
 * proxy hides the one, the other decides.
 */
export function cryptoPayError(method: string, answer: CryptoPayAnswer): CryptoPayRefusal | CryptoPayFailure {
  const refused = Refused.safeParse(answer.body).data?.error;
  const status = refused?.code ?? answer.status;
  const name = refused?.name ?? '(no answer of Crypto Pay itself: a proxy before it?)';
  const at = `cryptobot ${method}: ${status} ${name}`;
  if (status === 401 || refused?.name === 'UNAUTHORIZED') {
    const advice = 'check CRYPTOBOT_TOKEN: was it revoked, or is it of the other network than CRYPTOBOT_API_URL?';
    return new CryptoPayRefusal('cryptobot_unauthorized', `${at}; ${advice}`, 401);
  }
  if (status === 429 || status === 408) {
    return new CryptoPayFailure('cryptobot_rate_limited', at, { status, retryAfterMs: waitOf(answer.retryAfter) });
  }
  if (status >= 500) {
    return new CryptoPayFailure('cryptobot_unavailable', at, { status, retryAfterMs: waitOf(answer.retryAfter) });
  }
  if (status === 404 || status === 405 || (status >= 300 && status < 400)) {
    return new CryptoPayRefusal('cryptobot_no_method', `${at}; check CRYPTOBOT_API_URL`, status);
  }
  if (refused === undefined && status < 300) {
    return new CryptoPayFailure('cryptobot_schema', `cryptobot ${method}: ${status} without a Crypto Pay answer`, {
      status,
    });
  }
  return new CryptoPayRefusal('cryptobot_rejected', at, status);
}

/** `Retry-After` in seconds; a date (RFC 9110, 10.2.3) is left to our own delays, because clocks differ. */
function waitOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? seconds(Number(retryAfter)) : undefined;
}

/** What does not fit is named by its path; its value stays out, because it may be a customer's. */
export function misfit(what: string, error: z.ZodError): TransientError {
  const { path, message } = error.issues[0]!;
  const more = error.issues.length - 1;
  const rest = more > 0 ? ` (and ${more} more)` : '';
  return new TransientError(
    'cryptobot_schema',
    `${what} does not fit at ${path.join('.') || 'its root'}: ${message}${rest}`,
  );
}

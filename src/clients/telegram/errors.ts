import { GrammyError, HttpError } from 'grammy';
import { errorCode, errorMessage, PermanentError, TransientError } from '../../lib/errors.ts';

/** Telegram answered, and the answer is no. Inside the client only: callers get a `SendOutcome`. */
export class ApiRefusal extends Error {
  override name = 'ApiRefusal';
  /** Telegram's `error_code`, which is the HTTP status. */
  readonly status: number;
  readonly description: string;
  readonly retryAfterSeconds: number | undefined;
  readonly migrateToChatId: number | undefined;

  constructor(method: string, { error_code, description, parameters }: GrammyError) {
    super(`telegram ${method}: ${error_code} ${description}`);
    this.status = error_code;
    this.description = description;
    this.retryAfterSeconds = parameters.retry_after;
    this.migrateToChatId = parameters.migrate_to_chat_id;
  }
}

/**
 * Turns what grammY throws into our kinds of error. grammY's own are never passed on, not even as a cause: their inner
 * errors hold the URL, and the URL holds the bot token.
 */
export function toOwnError(method: string, error: unknown, token: string): Error {
  if (error instanceof GrammyError) return fromAnswer(method, error);
  const inner = error instanceof HttpError ? error.error : error;
  const code = errorCode(inner);
  const reason = errorMessage(inner).replaceAll(token, '<token>');
  const cause = Object.assign(new Error(reason), { code });
  return new TransientError(
    'telegram_unavailable',
    `telegram ${method}: no usable answer (${code}); the message may or may not have arrived`,
    { cause },
  );
}

function fromAnswer(method: string, error: GrammyError): Error {
  const { error_code: status, description } = error;
  const said = `telegram ${method}: ${status} ${description}`;
  // The Bot API answers 404 to a token of the wrong form, and none of our methods is unknown to it.
  if (status === 401 || status === 404) {
    const message = `${said}; the bot token is not valid, check TELEGRAM_BOT_TOKEN`;
    return Object.assign(new PermanentError('telegram_token_invalid', message), { status });
  }
  if (status >= 500) return Object.assign(new TransientError('telegram_unavailable', said), { status });
  return new ApiRefusal(method, error);
}

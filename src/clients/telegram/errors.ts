import type { GrammyError, HttpError } from 'grammy';
import { z } from 'zod';
import { errorCode, errorMessage, PermanentError, TransientError } from '../../lib/errors.ts';

/** Telegram answered, and the answer is no. Inside the client only: callers get a `SendOutcome` or a `TransientError`. */
export class ApiRefusal extends Error {
  override name = 'ApiRefusal';
  /** Telegram's `error_code`, which is the HTTP status. */
  readonly status: number;
  readonly description: string;
  readonly retryAfterSeconds: number | undefined;
  readonly migrateToChatId: number | undefined;

  constructor(said: string, { description, parameters, status }: Said) {
    super(said);
    this.status = status;
    this.description = description;
    this.retryAfterSeconds = parameters.retry_after;
    this.migrateToChatId = parameters.migrate_to_chat_id;
  }
}

/** An answer of the Bot API that is no success (https://core.telegram.org/bots/api#making-requests). */
const Answer = z.object({
  error_code: z.int(),
  description: z.string(),
  /** An odd value here counts as absent: the refusal itself is clear. */
  parameters: z
    .object({
      retry_after: z.number().min(0).optional().catch(undefined),
      migrate_to_chat_id: z.int().optional().catch(undefined),
    })
    .catch({}),
});

type Said = { status: number; description: string; parameters: z.output<typeof Answer>['parameters'] };

/** An answer is quoted up to here: one of a proxy can be a whole page. */
const QUOTED_CHARACTERS = 300;

/**
 * Turns what grammY throws into our kinds of error. grammY's own are never passed on, not even as a cause: their inner
 * errors hold the URL, and the URL holds the bot token.
 */
export function toOwnError(
  grammy: { readonly GrammyError: typeof GrammyError; readonly HttpError: typeof HttpError },
  { bot, endpoint: method, error }: { endpoint: string; error: unknown; bot: { token: string; variable: string } },
): Error {
  const hidden = (text: string): string => text.replaceAll(bot.token, '<token>').slice(0, QUOTED_CHARACTERS);
  const answer = error instanceof grammy.GrammyError ? Answer.safeParse(error).data : undefined;
  if (answer && answer.error_code >= 400) {
    const { error_code: status, parameters } = answer;
    return fromAnswer(method, { status, parameters, description: hidden(answer.description) }, bot.variable);
  }
  if (error instanceof grammy.GrammyError)
    return noUsableAnswer(method, `error_code ${hidden(String(error.error_code))}`);
  const inner = error instanceof grammy.HttpError ? error.error : error;
  const code = errorCode(inner);
  const cause = Object.assign(new Error(hidden(errorMessage(inner))), { code });
  return noUsableAnswer(method, code, cause);
}

/** Makes the error for an answer, of any status, that does not come from the Bot API. It is no refusal, and the fate of the message is unknown. */
export function noUsableAnswer(method: string, what: string, cause?: Error): TransientError {
  const message = `telegram ${method}: no usable answer (${what}); the message may or may not have arrived`;
  return new TransientError('telegram_unavailable', message, cause && { cause });
}

function fromAnswer(method: string, answer: Said, variable: string): Error {
  const { description, status } = answer;
  const said = `telegram ${method}: ${status} ${description}`;
  // The Bot API answers 404 and just this to a token of the wrong form.
  if (status === 401 || (status === 404 && description === 'Not Found')) {
    const message = `${said}; the bot token is not valid, check ${variable}`;
    return Object.assign(new PermanentError('telegram_token_invalid', message), { status });
  }
  if (status >= 500) return Object.assign(new TransientError('telegram_unavailable', said), { status });
  return new ApiRefusal(said, answer);
}

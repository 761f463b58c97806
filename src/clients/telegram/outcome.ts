/** Why Telegram will not take a message however often it is sent. Fit for a metric label. */
export type RefusalReason =
  /** The person blocked the bot, or never started it. */
  | 'blocked'
  | 'deactivated'
  /** The bot is not, or no longer, in that group or channel. */
  | 'kicked'
  | 'chat_not_found'
  | 'too_long'
  | 'empty'
  /** HTML that Telegram could not read, although it was then sent as plain text. */
  | 'bad_markup'
  | 'forbidden'
  | 'bad_request';

/** What became of a message that Telegram answered. No answer is a `TransientError`, and its outcome is unknown. */
export type SendOutcome =
  | { kind: 'sent'; messageId: number }
  | { kind: 'refused'; reason: RefusalReason; description: string }
  /** Nothing was sent. At least a second, whatever Telegram said. */
  | { kind: 'rate_limited'; retryAfterMs: number };

/** Telegram tells its refusals apart by code and English text only; this is the one place that reads the text. */
const REASONS: readonly (readonly [pattern: RegExp, reason: RefusalReason])[] = [
  [/blocked by the user|initiate conversation/i, 'blocked'],
  [/user is deactivated/i, 'deactivated'],
  [/was kicked|not a member|group chat was deleted/i, 'kicked'],
  [/chat not found|user not found|PEER_ID_INVALID/i, 'chat_not_found'],
  [/is too long/i, 'too_long'],
  [/text is empty|must be non-empty/i, 'empty'],
  [/can't parse entities/i, 'bad_markup'],
  [/^Forbidden/i, 'forbidden'],
];

/** The reason behind a description such as `Forbidden: bot was blocked by the user`. */
export function refusalReason(description: string): RefusalReason {
  return REASONS.find(([pattern]) => pattern.test(description))?.[1] ?? 'bad_request';
}

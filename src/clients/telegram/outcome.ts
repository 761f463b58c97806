/** Why Telegram will not take a message however often it is sent. Fit for a metric label. */
export type RefusalReason =
  /** The person blocked the bot, or never started it. */
  | 'blocked'
  | 'deactivated'
  /** The bot is not, or no longer, in that group or channel. */
  | 'kicked'
  | 'chat_not_found'
  /** The chat is another bot's. */
  | 'is_bot'
  | 'too_long'
  | 'empty'
  /** HTML that Telegram could not read, although it was then sent as plain text. */
  | 'bad_markup'
  /** Telegram does not know the file under this id any more; another bot's id is of no use either. */
  | 'bad_file'
  /** It was marked as a paid broadcast, and the bot may not send those. */
  | 'paid_not_allowed';

/**
 * What became of a message that Telegram answered. No answer, one that says nothing, and a refusal that is not known to be permanent are
 * a `TransientError`.
 */
export type SendOutcome =
  /** `plain`: it went out without its HTML, because Telegram said this of it. `fileId`: under which Telegram keeps the picture for this bot. */
  | { kind: 'sent'; messageId: number; plain?: string; fileId?: string }
  | { kind: 'refused'; reason: RefusalReason; description: string }
  /** Nothing was sent. At least a second, even where Telegram named less. */
  | { kind: 'rate_limited'; retryAfterMs: number };

/** Why a message stays: it is not there (any more), or it is too old or not of this bot. */
export type NotDeletedReason = 'not_found' | 'cannot_be_deleted' | 'chat_refuses';

export type DeleteOutcome =
  | { kind: 'deleted' }
  | { kind: 'not_deleted'; reason: NotDeletedReason }
  | Extract<SendOutcome, { kind: 'rate_limited' }>;

/** Refused as it was, by `error_code` and `description`. */
type Refused = { status: number; description: string };

/**
 * The refusals that are known to be permanent; every other one is tried again. Telegram tells them apart by English text only, and this is
 * the one place that reads it: the whole of what follows `Bad Request: ` or `Forbidden: `, as the sources have it.
 * Sources: `Client::check_chat_access` and `Client::fail_query_with_error` of tdlib/telegram-bot-api at 01a3679,
 * `MessagesManager::process_send_message_fail_error` and `can't parse entities` of tdlib/td at 022d602. docs/notifications.md has the table
 * for operators.
 */
const PERMANENT: readonly (readonly [text: RegExp, reason: RefusalReason])[] = [
  [/^bot was blocked by the user$/i, 'blocked'],
  [/^(the )?bot can't initiate conversation with a user$/i, 'blocked'],
  [/^user is deactivated$/i, 'deactivated'],
  [/^bot was kicked from the (group|supergroup|channel)( chat)?$/i, 'kicked'],
  [/^bot is not a member of the (group|supergroup|channel)( chat)?$/i, 'kicked'],
  [/^the group chat was deleted$/i, 'kicked'],
  [/^((private )?chat|user) not found$/i, 'chat_not_found'],
  [/^PEER_ID_INVALID$/, 'chat_not_found'],
  [/^(the )?bots? can't send messages to (the bot|bots)$/i, 'is_bot'],
  [/^message (caption )?is too long$/i, 'too_long'],
  [/^(MESSAGE|MEDIA_CAPTION)_TOO_LONG$/, 'too_long'],
  [/^message text is empty$/i, 'empty'],
  [/^(message )?text must be non-empty$/i, 'empty'],
  [/^can't parse entities(:|$)/i, 'bad_markup'],
  [/^wrong (remote )?file identifier/i, 'bad_file'],
  [/^FLOODSKIP_NOT_ALLOWED$/, 'paid_not_allowed'],
];

/** Reasons that hold for every message to this chat, not just for this one. */
const OF_THE_CHAT: ReadonlySet<RefusalReason> = new Set([
  'blocked',
  'deactivated',
  'kicked',
  'chat_not_found',
  'is_bot',
]);

const PREFIX = /^(Bad Request|Forbidden): /;

/** The reason behind a refusal that is known to be permanent, such as `Forbidden: bot was blocked by the user`. */
export function permanentReason({ description, status }: Refused): RefusalReason | undefined {
  if (status !== 400 && status !== 403) return undefined;
  const said = description.replace(PREFIX, '');
  return PERMANENT.find(([text]) => text.test(said))?.[1];
}

/** The reason behind a refusal to delete; undefined where it is not known to be permanent. */
export function notDeletedReason({ description, status }: Refused): NotDeletedReason | undefined {
  if (status !== 400 && status !== 403) return undefined;
  const said = description.replace(PREFIX, '');
  if (/^message to delete not found$/i.test(said)) return 'not_found';
  if (/^(message can't be deleted|MESSAGE_DELETE_FORBIDDEN)( |$)/i.test(said)) return 'cannot_be_deleted';
  const reason = permanentReason({ description, status });
  return reason && isUnreachable(reason) ? 'chat_refuses' : undefined;
}
/** Telegram refuses the buttons of a message, such as a link to a host without a dot, and would take the message without them. */
export const isAboutButtons = ({ description, status }: Refused): boolean =>
  status === 400 &&
  /^(inline keyboard|can't parse inline keyboard|BUTTON_|REPLY_MARKUP_)/i.test(description.replace(PREFIX, ''));

/** Whether no message at all can reach this chat. */
export const isUnreachable = (reason: RefusalReason): boolean => OF_THE_CHAT.has(reason);

/** How Telegram refuses a chat, word for word (tdlib/telegram-bot-api, `check_chat_access` and `fail_query_with_error`; tdlib/td). */
export const REFUSALS = {
  blocked: [403, 'Forbidden: bot was blocked by the user'],
  not_started: [403, "Forbidden: bot can't initiate conversation with a user"],
  deactivated: [403, 'Forbidden: user is deactivated'],
  kicked: [403, 'Forbidden: bot was kicked from the group chat'],
  left: [403, 'Forbidden: bot is not a member of the supergroup chat'],
  deleted: [403, 'Forbidden: the group chat was deleted'],
  bot: [403, "Forbidden: the bot can't send messages to the bot"],
  not_found: [400, 'Bad Request: chat not found'],
  peer_invalid: [400, 'Bad Request: PEER_ID_INVALID'],
  topic_closed: [400, 'Bad Request: TOPIC_CLOSED'],
  no_rights: [400, 'Bad Request: not enough rights to send text messages to the chat'],
  write_forbidden: [400, 'Bad Request: CHAT_WRITE_FORBIDDEN'],
} as const satisfies Record<string, readonly [code: number, description: string]>;

/** How a chat answers. A chat that nobody set is `ok`. */
export type ChatState = { state: 'ok' | keyof typeof REFUSALS } | { state: 'migrated_to'; chatId: number };

/** A button under a message, as the Bot API takes it. */
export type InlineButton = { text: string; callback_data?: string; url?: string };
export type InlineKeyboard = { inline_keyboard: InlineButton[][] };

/** A whole keyboard, and one row of it. */
const MOST_BUTTONS = 100;
const MOST_IN_ROW = 8;
const DATA_BYTES = 64;

/**
 * Reads `reply_markup` and refuses what Telegram refuses. An inline keyboard without buttons is none. Other kinds of keyboards are kept as
 * they are.
 */
export function readMarkup(given: unknown): { ok: true; markup: unknown } | { ok: false; error: string } {
  if (given === undefined || given === null || given === '') return { ok: true, markup: null };
  const markup = typeof given === 'string' ? parsed(given) : given;
  if (typeof markup !== 'object' || markup === null) return no("can't parse reply keyboard markup JSON object");
  if (!('inline_keyboard' in markup)) return { ok: true, markup };
  const rows: unknown = markup.inline_keyboard;
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row)))
    return no('can\'t parse inline keyboard: Field "inline_keyboard" must be of type Array');
  const kept = (rows as InlineButton[][]).filter((row) => row.length > 0);
  for (const button of kept.flat()) {
    const error = problemOf(button);
    if (error) return no(error);
  }
  if (kept.some((row) => row.length > MOST_IN_ROW) || kept.flat().length > MOST_BUTTONS)
    return no('REPLY_MARKUP_TOO_LONG');
  return { ok: true, markup: kept.length === 0 ? null : { inline_keyboard: kept } };
}

function problemOf(button: InlineButton): string | undefined {
  if (typeof button !== 'object' || button === null)
    return "can't parse inline keyboard button: InlineKeyboardButton must be an Object";
  if (typeof button.text !== 'string') return 'can\'t parse inline keyboard button: Can\'t find field "text"';
  if (button.text.trim() === '') return 'inline keyboard button text must be non-empty';
  if (button.url !== undefined) {
    const why = problemOfUrl(String(button.url));
    return why && `inline keyboard button URL '${button.url}' is invalid: ${why}`;
  }
  // An empty one counts as none.
  if (button.callback_data === undefined || button.callback_data === '')
    return "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard";
  const bytes = Buffer.byteLength(String(button.callback_data));
  return bytes > DATA_BYTES ? 'BUTTON_DATA_INVALID' : undefined;
}

/** `LinkManager::check_link` of TDLib: a host without a dot, such as `localhost`, is none. */
function problemOfUrl(text: string): string | undefined {
  if (/^(tg|ton|tonsite):/i.test(text)) return undefined;
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') return 'Unsupported URL protocol';
  const url = scheme === undefined ? `http://${text}` : text;
  if (!URL.canParse(url)) return 'Wrong HTTP URL';
  const { hostname } = new URL(url);
  return hostname.includes('.') || hostname.startsWith('[') ? undefined : 'Wrong HTTP URL';
}

const no = (error: string): { ok: false; error: string } => ({ ok: false, error });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The buttons of a message, row by row. */
export const buttonsOf = (markup: unknown): InlineButton[] =>
  typeof markup === 'object' && markup !== null && 'inline_keyboard' in markup
    ? (markup as InlineKeyboard).inline_keyboard.flat()
    : [];

/** An inline keyboard that Telegram takes, or its words for why not. */
export type ReadMarkup = { ok: true; markup: unknown } | { ok: false; error: string };

/** Buttons under one message (https://core.telegram.org/bots/api#inlinekeyboardmarkup; the server's own limit). */
const MAX_BUTTONS = 100;
const MAX_CALLBACK_BYTES = 64;

/** Form bodies hold the markup as JSON text. The words are those of tdlib/telegram-bot-api and of Telegram's servers. */
export function readMarkup(sent: unknown): ReadMarkup {
  if (sent === undefined || sent === '') return { ok: true, markup: null };
  const markup = typeof sent === 'string' ? parsed(sent) : sent;
  if (markup === undefined) return { ok: false, error: "can't parse reply keyboard markup JSON object" };
  if (!isRecord(markup)) return { ok: false, error: 'object expected as reply markup' };
  const rows = markup.inline_keyboard;
  if (rows === undefined) return { ok: true, markup };
  if (!Array.isArray(rows)) return { ok: false, error: 'field "inline_keyboard" must be of type Array' };
  if (!rows.every(Array.isArray))
    return { ok: false, error: "can't parse inline keyboard button: InlineKeyboardButton must be an Object" };
  const buttons: unknown[] = rows.flat();
  if (buttons.length > MAX_BUTTONS) return { ok: false, error: 'REPLY_MARKUP_TOO_LONG' };
  const error = buttons.map(whyRefused).find((why) => why !== undefined);
  return error === undefined ? { ok: true, markup } : { ok: false, error };
}

function whyRefused(button: unknown): string | undefined {
  const unreadable = (why: string): string => `can't parse inline keyboard button: ${why}`;
  if (!isRecord(button)) return unreadable('InlineKeyboardButton must be an Object');
  const { callback_data: data, text, url } = button;
  if (text === undefined) return unreadable('Can\'t find field "text"');
  if (typeof text !== 'string') return unreadable('Field "text" must be of type String');
  if (text.trim() === '') return 'inline keyboard button text is empty';
  if (typeof url === 'string' && url !== '') {
    const why = whyNoUrl(url);
    return why === undefined ? undefined : `inline keyboard button URL '${url}' is invalid: ${why}`;
  }
  if (typeof data === 'string' && data !== '')
    return Buffer.byteLength(data) > MAX_CALLBACK_BYTES ? 'BUTTON_DATA_INVALID' : undefined;
  return unreadable('Text buttons are unallowed in the inline keyboard');
}

/** As `LinkManager::get_checked_link` of tdlib/td judges a link. */
function whyNoUrl(url: string): string | undefined {
  const [, protocol, rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(url.trim()) ?? [];
  if (protocol && /^(tg|ton)$/i.test(protocol)) return rest === '' ? 'URL host is empty' : undefined;
  if (protocol && !/^https?$/i.test(protocol)) return 'Unsupported URL protocol';
  const host = /^[^/?#]*/.exec(rest)![0].replace(/^.*@/, '').replace(/:\d*$/, '');
  if (host === '') return 'URL host is empty';
  return /\s/.test(host) || !/[^.]\.[^.]/.test(host) ? 'Wrong HTTP URL' : undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

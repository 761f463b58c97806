import { type Fields, type Upload, uploadOf } from './body.ts';
import type { Bot } from './bot.ts';
import type { DeliveredMessage } from './record.ts';

/** https://core.telegram.org/bots/api#sendphoto: the limits, and the words of TDLib and of Telegram's servers. */
const MAX_PHOTO_BYTES = 10 * 1024 * 1024;
const MAX_PHOTO_SIDES = 10_000;
const MAX_PHOTO_RATIO = 20;

type KeptFile = NonNullable<DeliveredMessage['file']>;
type SentFile = { file: KeptFile; error?: never } | { file?: never; error: string };

/** The picture or document of a request, kept under an id that later requests can name; or Telegram's words for why not. */
export function fileOf(bot: Bot, fields: Fields, content: 'photo' | 'document'): SentFile {
  const sent = uploadOf(fields, content);
  if (sent === undefined || sent === '') return { error: `there is no ${content} in the request` };
  if (typeof sent === 'string') {
    const kept = bot.files.get(sent);
    if (!kept) return { error: "wrong remote file identifier specified: can't unserialize it. Wrong last symbol" };
    return { file: { name: kept.name, bytes: kept.bytes, id: sent, isUploaded: false } };
  }
  if (sent.bytes === 0) return { error: 'file must be non-empty' };
  const error = content === 'photo' ? whyNoPhoto(sent) : undefined;
  if (error !== undefined) return { error };
  const id = `${content}-${bot.files.size + 1}`;
  bot.files.set(id, sent);
  return { file: { name: sent.name, bytes: sent.bytes, id, isUploaded: true } };
}

function whyNoPhoto({ bytes, picture }: Upload): string | undefined {
  if (bytes > MAX_PHOTO_BYTES)
    return `file of size ${bytes} bytes is too big for a photo; the maximum size is ${MAX_PHOTO_BYTES} bytes`;
  if (!picture) return 'IMAGE_PROCESS_FAILED';
  const { height, width } = picture;
  const ratio = Math.max(width, height) / Math.min(width, height);
  return width + height > MAX_PHOTO_SIDES || ratio > MAX_PHOTO_RATIO ? 'PHOTO_INVALID_DIMENSIONS' : undefined;
}

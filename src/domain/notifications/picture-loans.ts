import type { SendOutcome, SentFile } from '../../clients/telegram/client.ts';
import { TransientError } from '../../lib/errors.ts';
import type { BroadcastPictures } from '../../repositories/history/broadcast-pictures.ts';
import type { PictureLoan } from './sender.ts';

export type PictureLoansOptions = {
  pictures: Pick<BroadcastPictures, 'content' | 'fileId' | 'noteFileId'>;
  /** The bot's own id: a `file_id` is of use to the bot that got it. */
  bot: string;
  onError(error: unknown): void;
};

type Send = (file: SentFile) => Promise<SendOutcome>;

/**
 * Lends pictures of broadcasts to those who send them. The first send uploads the picture while the others wait; from then on Telegram's
 * `file_id` is sent. Where Telegram does not know that any more, the picture is uploaded again.
 */
export class PictureLoans {
  readonly #options: PictureLoansOptions;
  readonly #fileIds = new Map<string, string>();
  readonly #uploads = new Map<string, Promise<unknown>>();

  constructor(options: PictureLoansOptions) {
    this.#options = options;
  }

  /** Throws where the picture cannot be read, so that nothing is sent without. */
  async lend(id: string): Promise<PictureLoan> {
    await this.#fileId(id);
    return (send) => this.#lent(id, send);
  }

  async #lent(id: string, send: Send): Promise<SendOutcome> {
    for (;;) {
      const known = await this.#fileId(id);
      if (known !== undefined) {
        const outcome = await send({ id: known });
        if (outcome.kind !== 'refused' || outcome.reason !== 'bad_file') return outcome;
        this.#fileIds.delete(id);
        return await this.#upload(id, send);
      }
      const others = this.#uploads.get(id);
      if (others === undefined) return await this.#upload(id, send);
      // A failure is told to the one whose upload it was.
      await others.catch(() => undefined);
      if (this.#fileIds.get(id) === undefined) return await this.#upload(id, send);
    }
  }

  async #upload(id: string, send: Send): Promise<SendOutcome> {
    const uploading = this.#uploaded(id, send);
    this.#uploads.set(id, uploading);
    try {
      return await uploading;
    } finally {
      if (this.#uploads.get(id) === uploading) this.#uploads.delete(id);
    }
  }

  async #uploaded(id: string, send: Send): Promise<SendOutcome> {
    const { bot, onError, pictures } = this.#options;
    const found = await pictures.content(id);
    if (!found) throw new TransientError('picture_unknown', `the picture ${id} is not there`);
    const outcome = await send({ name: `picture.${found.type.slice('image/'.length)}`, bytes: found.content });
    if (outcome.kind === 'sent' && outcome.fileId !== undefined) {
      this.#fileIds.set(id, outcome.fileId);
      await pictures.noteFileId(id, bot, outcome.fileId).catch(onError);
    }
    return outcome;
  }

  async #fileId(id: string): Promise<string | undefined> {
    const known = this.#fileIds.get(id) ?? (await this.#options.pictures.fileId(id, this.#options.bot));
    if (known !== undefined) this.#fileIds.set(id, known);
    return known;
  }
}

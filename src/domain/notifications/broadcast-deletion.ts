import type { HeldJob } from '../../lib/held-job.ts';
import type { PlannedLine } from '../../lib/planned-line.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type {
  BroadcastDeliveries,
  Deletion,
  DeletionCounts,
  ToDelete,
} from '../../repositories/history/broadcast-deliveries.ts';
import type { TelegramSender } from './sender.ts';

export type BroadcastDeletionOptions = {
  deliveries: BroadcastDeliveries;
  sender: Pick<TelegramSender, 'deleteMessage'>;
};

/** Chats in one statement, and calls to Telegram at once: each waits for its turn in the rate. */
const PAGE = 200;
const AT_ONCE = 24;

type Run = Pick<HeldJob, 'alive'> & { now: Date; receipt: Receipt; signal: AbortSignal };

/** The deletion of a broadcast from one chat, as a line of a list and of a receipt. */
export const deletionLine = ({ chat, messages }: ToDelete): PlannedLine<'delete'> => ({
  effect: 'delete',
  subject: String(chat),
  detail: messages.join(', '),
});

/** Deletes what was sent of a broadcast up to 48 hours ago, and nothing else. */
export class BroadcastDeletion {
  readonly #options: BroadcastDeletionOptions;

  constructor(options: BroadcastDeletionOptions) {
    this.#options = options;
  }

  /** The chats that still have the message, in groups. Changes nothing. */
  async *chats(id: string, now: Date): AsyncGenerator<ToDelete[]> {
    let after = Number.MIN_SAFE_INTEGER;
    for (;;) {
      const page = await this.#options.deliveries.toDelete(id, after, PAGE, now);
      if (page.length === 0) return;
      yield page;
      after = page.at(-1)!.chat;
    }
  }

  /**
   * Deletes from chat to chat. Killed and run again it goes on; what Telegram does not find then, after a run that had begun with it, was
   * deleted by that one. Throws the first error of Telegram once all others of its group are noted.
   */
  async run(
    id: string,
    groups: AsyncIterable<{ steps: readonly ToDelete[] }>,
    { alive, now, receipt, signal }: Run,
  ): Promise<DeletionCounts> {
    const { deliveries } = this.#options;
    await deliveries.passOld(id, now);
    for await (const { steps } of groups) {
      signal.throwIfAborted();
      alive();
      await deliveries.beginDeleting(
        id,
        steps.map(({ chat }) => chat),
      );
      await this.#deleteAll(id, steps, { receipt, signal });
    }
    return await deliveries.countDeletions(id);
  }

  async #deleteAll(
    id: string,
    chats: readonly ToDelete[],
    { receipt, signal }: Pick<Run, 'receipt' | 'signal'>,
  ): Promise<void> {
    const waiting = [...chats];
    const done: { chat: number; deletion: Deletion }[] = [];
    const failures: unknown[] = [];
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next && failures.length === 0; next = waiting.shift()) {
        const { chat } = next;
        await this.#delete(next, signal).then(
          (deletion) => void done.push({ chat, deletion }),
          (error: unknown) => void failures.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    const gone = new Set(done.flatMap(({ chat, deletion }) => (deletion === 'deleted' ? [chat] : [])));
    const lines = chats.filter(({ chat }) => gone.has(chat)).map(deletionLine);
    await receipt.done(lines.map((line) => ({ act: uuidFrom(`delete:${id}:${line.subject}`), ...line })));
    await this.#options.deliveries.noteDeleted(id, done);
    if (failures.length > 0) throw failures[0];
  }

  /** Of several messages, the first that stays says why. */
  async #delete({ chat, isBegun, messages }: ToDelete, signal: AbortSignal): Promise<Deletion> {
    let worst: Deletion = 'deleted';
    for (const message of messages) {
      const outcome = await this.#options.sender.deleteMessage(chat, message, signal);
      if (outcome.kind === 'deleted' || (outcome.reason === 'not_found' && isBegun)) continue;
      if (worst === 'deleted') worst = outcome.reason;
    }
    return worst;
  }
}

import { seconds } from '../../lib/duration.ts';
import { MAX_PARTS, partsOf } from '../../messages/size.ts';
import { MAX_MESSAGE_LENGTH } from '../../messages/split.ts';
import type { BroadcastRows } from '../../repositories/broadcast-rows.ts';
import type {
  BroadcastDeliveries,
  BroadcastExtras,
  BroadcastMessages,
} from '../../repositories/history/broadcast-deliveries.ts';
import type { HeldBecause } from '../../repositories/history/planned-broadcasts.ts';
import type { DueNotification } from '../../repositories/notifications.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { broadcastRange, prefixOfRow } from './broadcast-ids.ts';
import { PaidBudget } from './paid-budget.ts';
import type { PictureLoans } from './picture-loans.ts';
import type { OutgoingMessage, Tried } from './sender.ts';

/** `notification_type` of the rows of planned broadcasts: only these ask our own schema for anything. */
export const PLANNED_TYPE = 'broadcast:planned';

export type PlannedRowsOptions = {
  deliveries: BroadcastDeliveries;
  loans: Pick<PictureLoans, 'lend'>;
  rows: Pick<BroadcastRows, 'pause'>;
  marks: Pick<DeliveryMarks, 'messagesOf'>;
  onError(error: unknown): void;
};

/** What a row's message has besides its text; or the row waits: it must not go out without. */
type Dressed = { kind: 'ready'; dress: Pick<OutgoingMessage, 'buttons' | 'paid' | 'picture'> } | { kind: 'wait' };

/** A row that cannot be dressed now is due again after this. */
export const DRESS_AGAIN_MS = seconds(15);

/** Broadcasts whose extras are remembered. They do not change once rows are queued. */
const REMEMBERED = 200;

const BARE: Dressed = { kind: 'ready', dress: {} };
const WAIT: Dressed = { kind: 'wait' };

/**
 * The rows of planned broadcasts on their way out. `notification_queue` has no column for buttons and pictures, so they are read from the
 * broadcast, which the row's id names. Notes as which messages they arrived, before the rows count as sent.
 */
export class PlannedRows {
  readonly #options: PlannedRowsOptions;
  readonly #budget: PaidBudget;
  readonly #extras = new Map<string, Promise<BroadcastExtras | undefined>>();
  #unwritten: BroadcastMessages[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: PlannedRowsOptions) {
    this.#options = options;
    this.#budget = new PaidBudget(options.deliveries);
  }

  /** Never rejects. While our own schema is away, a row of a planned broadcast waits, and no attempt is counted. */
  async dressed(row: DueNotification): Promise<Dressed> {
    if (row.type !== PLANNED_TYPE) return BARE;
    try {
      const extras = await this.#extrasOf(row.id);
      if (!extras) return WAIT;
      const { buttons, id, picture } = extras;
      const loan = picture === undefined ? undefined : await this.#options.loans.lend(picture);
      const share = extras.isPaid ? await this.#budget.take(id, messagesIn(row)) : 'regular';
      if (share === 'spent') {
        await this.#hold(id, 'stars');
        return WAIT;
      }
      const rowsOfButtons = buttons.map((button) => [button]);
      return {
        kind: 'ready',
        dress: {
          ...(buttons.length > 0 && { buttons: rowsOfButtons }),
          ...(loan && { picture: loan }),
          ...(share === 'paid' && { paid: true }),
        },
      };
    } catch (error) {
      this.#options.onError(error);
      return WAIT;
    }
  }

  /** After a try, and before the row is settled. Answers whether it is to wait instead. Never rejects. */
  async tried(row: DueNotification, tried: Tried, isPaid: boolean): Promise<'settle' | 'wait'> {
    if (row.type !== PLANNED_TYPE) return 'settle';
    const extras = await this.#extrasOf(row.id).catch(() => undefined);
    if (!extras) return 'settle';
    // Of a message that failed nobody knows whether it arrived: it counts.
    if (isPaid && tried.kind !== 'sent' && tried.kind !== 'failed') this.#budget.giveBack(extras.id, messagesIn(row));
    if (tried.kind === 'sent') {
      const messages = tried.parts ?? [tried.messageId];
      await this.#note({ broadcast: extras.id, chat: row.telegramId, messages, sentAt: tried.sentAt });
      return 'settle';
    }
    if (tried.kind !== 'refused' || tried.reason !== 'paid_not_allowed') return 'settle';
    await this.#hold(extras.id, 'paid_not_allowed').catch(this.#options.onError);
    return 'wait';
  }

  /** A row that another worker sent, and died before it could say as what. Never rejects. */
  async sentBefore(row: DueNotification, now: Date): Promise<void> {
    if (row.type !== PLANNED_TYPE) return;
    try {
      const extras = await this.#extrasOf(row.id);
      const messages = await this.#options.marks.messagesOf(row.id, MAX_PARTS);
      if (extras && messages.length > 0)
        await this.#note({ broadcast: extras.id, chat: row.telegramId, messages, sentAt: now });
    } catch (error) {
      this.#options.onError(error);
    }
  }

  /** At the end of a run. Never rejects. */
  async finish(): Promise<void> {
    await this.#write();
    await this.#budget.settle();
  }

  async #extrasOf(rowId: string): Promise<BroadcastExtras | undefined> {
    const prefix = prefixOfRow(rowId);
    const known = this.#extras.get(prefix);
    if (known !== undefined) return await known;
    const asked = this.#options.deliveries.extrasOf(prefix);
    this.#extras.set(prefix, asked);
    for (const oldest of this.#extras.keys()) {
      if (this.#extras.size <= REMEMBERED) break;
      this.#extras.delete(oldest);
    }
    const isKnown = await asked.then(
      (extras) => extras !== undefined,
      () => false,
    );
    if (!isKnown) this.#extras.delete(prefix);
    return await asked;
  }

  /** Those who come while a statement runs go into the next one together. */
  async #note(messages: BroadcastMessages): Promise<void> {
    this.#unwritten.push(messages);
    while (this.#unwritten.includes(messages)) {
      if (this.#writing === undefined) {
        if (!(await this.#write())) return;
      } else await this.#writing;
    }
    await this.#writing;
  }

  /** False where it could not be written; it is tried again with the next ones. The message is out: nothing waits for this. */
  async #write(): Promise<boolean> {
    const batch = this.#unwritten;
    this.#unwritten = [];
    let isWritten = true;
    this.#writing = this.#options.deliveries.noteMessages(batch).catch((error: unknown) => {
      isWritten = false;
      this.#unwritten.push(...batch);
      this.#options.onError(error);
    });
    await this.#writing;
    this.#writing = undefined;
    return isWritten;
  }

  async #hold(id: string, why: HeldBecause): Promise<void> {
    await this.#options.deliveries.hold(id, why);
    await this.#options.rows.pause(broadcastRange(id));
    await this.#budget.settle(id);
  }
}

/** As how many messages its text goes out. */
const messagesIn = ({ message }: DueNotification): number =>
  message.length <= MAX_MESSAGE_LENGTH ? 1 : partsOf(message, 'HTML').length;

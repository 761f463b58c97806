import type { ApiRole } from '../../lib/api-role.ts';
import type { CardTap } from '../../lib/card-act.ts';
import type { Locale } from '../../lib/locale.ts';
import type { RowsOfButtons } from '../../lib/telegram-button.ts';
import type { Log } from '../../observability/log.ts';
import type { StaffPolls } from '../../repositories/redis/staff/staff-polls.ts';
import type { DeskContext } from '../payment-desk.ts';

/** An event of the bot. One that is neither a message nor a tap has a number only. */
export type StaffUpdate = {
  update_id: number;
  message?: { chat: { id: number }; from: Sender; text: string } | undefined;
  callback_query?:
    | {
        id: string;
        from: Sender;
        data?: string | undefined;
        message?: { chat: { id: number }; message_id: number } | undefined;
      }
    | undefined;
};

export type Sender = { id: number; username?: string | undefined; language_code?: string | undefined };

/** Somebody of the staff. `by` is for records, `name` for people. */
export type StaffPerson = { id: number; by: string; name: string; role: ApiRole };

/** A message that says what was decided from now on. */
export type CardEdit = { chatId: number; messageId: number; text: string; buttons: RowsOfButtons };

/**
 * What became of a tap. `gone`: no such message is known, or not in this chat; `already`: somebody did it before; `over`: there is nothing to
 * decide any more; `failed`: nothing was done, and the tap may be repeated.
 */
export type CardReply = {
  outcome: 'done' | 'already' | 'over' | 'refused' | 'failed' | 'gone';
  /** For the person who tapped, one sentence. */
  say: string;
  about: readonly { action: string; entityType: string; entityId: string }[];
  edits: readonly CardEdit[];
};

/** An act that was asked for by the bot, for `audit_logs`. */
export type StaffAct = {
  action: string;
  entityType: string;
  entityId: string;
  by: string;
  role: ApiRole | undefined;
  /** The text or data that was sent. Its digest is kept. */
  payload: string;
  details?: Readonly<Record<string, unknown>>;
};

/** A line of a list, with a page where there is an address for it. */
export type StateLine = { text: string; isBad: boolean };

/** Everything that `/status` tells. Undefined where it cannot be read. */
export type StaffStatus = {
  alerts: readonly string[] | undefined;
  held: readonly string[] | undefined;
  nodes: { online: number; all: number } | undefined;
  deadLetters: number | undefined;
  /** Deliveries of the last hour that could succeed. */
  deliveries: { sent: number; failed: number } | undefined;
};

/** What the bot needs. The composition root builds it from what the API and the console stand on. */
export type StaffBotContext = {
  /** Who may use the bot. */
  people: ReadonlyMap<number, ApiRole>;
  defaultLocale: Locale;
  log: Log;
  polls: Pick<StaffPolls, 'hold' | 'letGo' | 'next' | 'take'>;
  bot: {
    updates(offset: number, signal: AbortSignal): Promise<StaffUpdate[]>;
    answerTap(id: string, text: string, signal: AbortSignal): Promise<boolean>;
    edit(edit: CardEdit, signal: AbortSignal): Promise<boolean>;
    setCommands(
      commands: readonly { command: string; description: string }[],
      language: 'ru' | undefined,
      signal: AbortSignal,
    ): Promise<void>;
    /** Sends HTML, in as many messages as it needs, once for each `id`. */
    send(to: { id: string; chatId: number; text: string }, signal: AbortSignal): Promise<void>;
  };
  /** Does what a button asks for. Throws while Redis is away. */
  answer(tap: CardTap, chatId: number, person: StaffPerson, locale: Locale): Promise<CardReply>;
  status(locale: Locale): Promise<StaffStatus>;
  /** The nodes, worst first. */
  nodes(locale: Locale): Promise<readonly StateLine[]>;
  /** Each panel user with the sentences about them. */
  explain(who: string, locale: Locale): Promise<readonly { username: string; sentences: readonly string[] }[]>;
  desk: Pick<DeskContext, 'list'>;
  /** Sends a message with mute buttons for each alert that is on, up to a handful; answers how many are on. */
  offerMutes(chatId: number, update: number, signal: AbortSignal): Promise<number>;
  /** A link that logs this person in to the console once; undefined where there is no console that people can reach. */
  loginLink(person: StaffPerson): Promise<string | undefined>;
  /** Never throws. */
  audit(act: StaffAct): Promise<void>;
  observer: {
    /** One poll of Telegram: `ok`, or why not. */
    polled(outcome: 'ok' | 'failed'): void;
    /** Whether this process is the one that polls. */
    polling(isPolling: boolean): void;
    /** A tap or a command, and what became of it. */
    handled(kind: 'tap' | 'command' | 'other', outcome: string): void;
  };
};

import { STAFF_BOT_TOKEN } from '../../sandbox/telegram/server.ts';
import { staffBotContext } from '../app/doors/staff-bot.ts';
import { seconds } from '../lib/duration.ts';
import { plainText } from '../lib/telegram-html.ts';
import type { StaffBotContext } from '../triggers/telegram-bot/context.ts';
import { type PollerTimes, StaffPoller } from '../triggers/telegram-bot/poller.ts';
import { StaffUpdates } from '../triggers/telegram-bot/staff-updates.ts';
import type { TestApp } from './test-app.ts';
import { until } from './until.ts';

/** One person of each role, and one of no role. */
export const STAFF = { owner: 7, admin: 8, support: 9, view: 10, stranger: 66 } as const;
export type StaffName = keyof typeof STAFF;

/** The environment of an installation with a staff's bot. */
export const STAFF_ENV = {
  ADMIN_BOT_TOKEN: STAFF_BOT_TOKEN,
  ADMIN_TELEGRAM_IDS: `${STAFF.owner},${STAFF.admin}:admin,${STAFF.support}:support,${STAFF.view}:view`,
  PUBLIC_URL: 'https://worker.example',
} as const;

const TIMES: PollerTimes = {
  leaseMs: seconds(20),
  renewMs: seconds(1),
  pause: { firstMs: 20, atMostMs: seconds(1) },
};

/** The staff's bot of an application, and the people who use it. */
export function staffBot({ app, run, telegram }: Pick<TestApp, 'app' | 'run' | 'telegram'>) {
  const bot = telegram.staff;
  const person = (name: StaffName) => ({ id: STAFF[name], username: name, language: 'en' });
  const messagesTo = (name: StaffName) => bot.messages({ chatId: STAFF[name] });
  return {
    bot,
    messagesTo,
    /** Starts a worker's poller. Dispose it to end it as a worker that stops. */
    listen(
      by = 'worker-1',
      { times = TIMES, change = {} }: { times?: PollerTimes; change?: Partial<StaffBotContext> } = {},
    ): AsyncDisposable {
      const context: StaffBotContext = { ...staffBotContext(app, by)!, ...change };
      const updates = new StaffUpdates(context);
      const poller = new StaffPoller(context, (update, signal) => updates.handle(update, signal), times);
      poller.start();
      return { [Symbol.asyncDispose]: () => poller.stop() };
    },
    /** Has all that is queued delivered. */
    deliver: () => run('process_notification_queue'),
    /** The newest message in a person's chat, and the texts of its buttons. */
    latest(name: StaffName) {
      const message = messagesTo(name).at(-1);
      const rows = (message?.reply_markup as { inline_keyboard: { text: string }[][] } | null)?.inline_keyboard ?? [];
      return {
        id: message?.message_id ?? 0,
        text: message?.visible ?? '',
        buttons: rows.flat().map(({ text }) => text),
      };
    },
    /** Taps a button of the newest message in one's own chat, or of another one, and waits for the answer. */
    async tap(
      name: StaffName,
      button: string | { data: string },
      { chat = name, messageId }: { chat?: StaffName; messageId?: number } = {},
    ): Promise<string> {
      const which = typeof button === 'string' ? { text: button } : button;
      const of = { chatId: STAFF[chat], messageId: messageId ?? messagesTo(chat).at(-1)!.message_id };
      const query = bot.tap(person(name), { ...of, ...which });
      const answer = await until('the tap is answered', () => bot.taps().find((one) => one.query === query));
      return answer.text;
    },
    /** Taps without waiting. */
    tapOnly: (name: StaffName, text: string) =>
      bot.tap(person(name), { chatId: STAFF[name], messageId: messagesTo(name).at(-1)!.message_id, text }),
    /** Writes to the bot and waits for its answer. */
    async ask(name: StaffName, text: string, language = 'en'): Promise<string> {
      const before = messagesTo(name).length;
      bot.write({ ...person(name), language }, text);
      await until('the bot writes back', () => messagesTo(name).length > before);
      return plainText(messagesTo(name).at(-1)!.text);
    },
  };
}

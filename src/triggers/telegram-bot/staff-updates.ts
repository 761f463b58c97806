import { reaches } from '../../lib/api-role.ts';
import { CARD_ACT_NEEDS, readTap } from '../../lib/card-act.ts';
import { minutes } from '../../lib/duration.ts';
import type { Html } from '../../lib/html.ts';
import { type Locale, localeFor } from '../../lib/locale.ts';
import { COMMANDS, helpOf } from './commands.ts';
import type { CardReply, Sender, StaffBotContext, StaffPerson, StaffUpdate } from './context.ts';
import { say } from './words.ts';

/** A stranger is answered and recorded once in this time, and so many strangers at most: nobody makes the bot write without end. */
const STRANGER_EVERY_MS = minutes(10);
const STRANGERS = 100;
/** Telegram shows at most so many characters to the person who tapped. */
const ANSWER_CHARACTERS = 200;

type Message = NonNullable<StaffUpdate['message']>;
type Tap = NonNullable<StaffUpdate['callback_query']>;

/** Decides who may do what by the bot, has it done, and answers. */
export class StaffUpdates {
  readonly #context: StaffBotContext;
  /** When each stranger was last answered, on the monotonic clock. */
  readonly #strangers = new Map<number, number>();

  constructor(context: StaffBotContext) {
    this.#context = context;
  }

  /** Throws where Telegram could not be answered. */
  async handle({ callback_query: tap, message, update_id: update }: StaffUpdate, signal: AbortSignal): Promise<void> {
    if (tap) await this.#tapped(tap, signal);
    else if (message) await this.#written(message, update, signal);
    else this.#context.observer.handled('other', 'ignored');
  }

  async #tapped(tap: Tap, signal: AbortSignal): Promise<void> {
    const { bot, observer } = this.#context;
    const locale = this.#localeOf(tap.from);
    const { outcome, reply, text } = await this.#answerTo(tap, locale);
    observer.handled('tap', outcome);
    // The message first: the person looks at it after the answer. A tap that waited for long takes no answer, and is done anyway.
    for (const edit of reply?.edits ?? []) await bot.edit(edit, signal).catch((err: unknown) => this.#unedited(err));
    if (text !== undefined) await bot.answerTap(tap.id, text.slice(0, ANSWER_CHARACTERS), signal);
  }

  async #answerTo(tap: Tap, locale: Locale): Promise<{ outcome: string; text: string | undefined; reply?: CardReply }> {
    const { log } = this.#context;
    const payload = tap.data ?? '';
    const person = this.#personOf(tap.from);
    if (!person) return { outcome: 'stranger', text: await this.#stranger(tap.from, payload, locale) };
    const asked = readTap(payload);
    if (!asked || !tap.message) return { outcome: 'unknown', text: say('unknownButton', locale) };
    const needs = CARD_ACT_NEEDS[asked.act];
    if (!reaches(person.role, needs)) {
      await this.#refused(person, payload, `button ${asked.act}`);
      return { outcome: 'forbidden', text: say('notAllowed', locale, needs, person.role) };
    }
    try {
      const reply = await this.#context.answer(asked, tap.message.chat.id, person, locale);
      for (const about of reply.about)
        await this.#context.audit({
          ...{ ...about, by: person.by, role: person.role, payload },
          details: { act: asked.act, outcome: reply.outcome },
        });
      return { outcome: reply.outcome, text: reply.say, reply };
    } catch (err) {
      log.warn({ err, act: asked.act, by: person.by }, 'a tap could not be carried out');
      return { outcome: 'failed', text: say('failed', locale) };
    }
  }

  async #written({ chat, from, text }: Message, update: number, signal: AbortSignal): Promise<void> {
    const { bot, observer } = this.#context;
    const locale = this.#localeOf(from);
    const [, name = '', rest = ''] = /^\/(\w+)(?:@\w+)?(?:\s+([\s\S]*))?$/.exec(text) ?? [];
    // In a group people talk with each other.
    if (name === '' && chat.id !== from.id) return observer.handled('other', 'ignored');
    const person = this.#personOf(from);
    const asked = { chatId: chat.id, update, locale, rest: rest.trim(), signal };
    const answer = person
      ? await this.#commanded(name.toLowerCase(), { ...asked, person })
      : { outcome: 'stranger', text: await this.#stranger(from, text, locale) };
    observer.handled('command', answer.outcome);
    if (answer.text !== undefined)
      await bot.send({ id: `staff-bot:${update}`, chatId: chat.id, text: answer.text.toString() }, signal);
  }

  async #commanded(
    name: string,
    asked: Parameters<(typeof COMMANDS)[string]['run']>[1],
  ): Promise<{ outcome: string; text: Html | string | undefined }> {
    const { locale, person, rest } = asked;
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command) return { outcome: 'unknown', text: helpOf(person, locale) };
    const payload = `/${name} ${rest}`.trim();
    if (!reaches(person.role, command.needs)) {
      await this.#refused(person, payload, `/${name}`);
      return { outcome: 'forbidden', text: say('notAllowed', locale, command.needs, person.role) };
    }
    try {
      const text = await command.run(this.#context, asked);
      const act = { action: 'staff_bot.asked', entityType: 'staff_bot', entityId: name };
      await this.#context.audit({ ...act, by: person.by, role: person.role, payload });
      return { outcome: 'done', text };
    } catch (err) {
      this.#context.log.warn({ err, command: name, by: person.by }, 'a command could not be answered');
      return { outcome: 'failed', text: say('failed', locale) };
    }
  }

  #personOf({ id, username }: Sender): StaffPerson | undefined {
    const role = this.#context.people.get(id);
    const by = `telegram:${id}`;
    return role && { id, by, role, name: username === undefined ? by : `@${username}` };
  }

  #localeOf({ language_code: language }: Sender): Locale {
    return localeFor(language, this.#context.defaultLocale);
  }

  /** The sentence for somebody who is not on the list; undefined where it was said lately. */
  async #stranger({ id }: Sender, payload: string, locale: Locale): Promise<string | undefined> {
    const now = performance.now();
    for (const [other, at] of this.#strangers) if (now - at >= STRANGER_EVERY_MS) this.#strangers.delete(other);
    if (this.#strangers.has(id) || this.#strangers.size >= STRANGERS) return undefined;
    this.#strangers.set(id, now);
    const act = { action: 'staff_bot.refused', entityType: 'staff_bot', entityId: String(id) };
    await this.#context.audit({ ...act, by: `telegram:${id}`, role: undefined, payload, details: { why: 'stranger' } });
    return say('stranger', locale);
  }

  async #refused({ by, id, role }: StaffPerson, payload: string, what: string): Promise<void> {
    const act = { action: 'staff_bot.refused', entityType: 'staff_bot', entityId: String(id) };
    await this.#context.audit({ ...act, by, role, payload, details: { why: 'role', what } });
  }

  /** The decision stands; a message that does not say so is told by the next tap. */
  #unedited(err: unknown): void {
    this.#context.log.warn({ err }, 'a message does not say yet what was decided');
  }
}

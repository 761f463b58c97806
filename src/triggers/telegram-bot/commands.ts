import type { ApiRole } from '../../lib/api-role.ts';
import { type Html, html, join } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { StaffBotContext, StaffPerson } from './context.ts';
import { type BotText, say } from './words.ts';

/** One command as it was written. */
export type StaffQuestion = {
  person: StaffPerson;
  chatId: number;
  update: number;
  locale: Locale;
  /** What stands behind the command. */
  rest: string;
  signal: AbortSignal;
};

type Command = {
  what: BotText;
  needs: ApiRole;
  /** The answer; undefined where it was given by other messages. */
  run(context: StaffBotContext, asked: StaffQuestion): Promise<Html | undefined>;
};

/** Lines of a list that are sent; the console has all. */
const LISTED = 20;
/** Names are longer in no table. */
const LONGEST_NAME = 100;

export const COMMANDS: Readonly<Record<string, Command>> = {
  status: {
    what: { en: 'What is on, and what waits for a decision', ru: 'Что происходит и что ждёт решения' },
    needs: 'view',
    async run(context, { locale }) {
      const { alerts, deadLetters, deliveries, held, nodes } = await context.status(locale);
      const unknown = say('unknown', locale);
      const listed = (title: 'alertsOn' | 'held', lines: readonly string[] | undefined): Html[] => {
        if (lines?.length === 0) return title === 'alertsOn' ? [html`✅ ${say('allCalm', locale)}`] : [];
        return [html`<b>${say(title, locale)}</b>\n${lines ? bullets(lines, locale) : unknown}`];
      };
      const counts = [
        nodes ? say('nodesOnline', locale, nodes.online, nodes.all) : undefined,
        deliveries ? say('deliveries', locale, deliveries.sent, deliveries.failed) : undefined,
        say('deadLetters', locale, deadLetters ?? unknown),
      ].filter((line) => line !== undefined);
      return paragraphs([...listed('alertsOn', alerts), ...listed('held', held), html`${counts.join('\n')}`]);
    },
  },
  nodes: {
    what: { en: 'All nodes, the worst first', ru: 'Все узлы, худшие первыми' },
    needs: 'view',
    async run(context, { locale }) {
      const lines = await context.nodes(locale);
      if (lines.length === 0) return html`${say('noNodes', locale)}`;
      return bullets(
        lines.map(({ isBad, text }) => `${isBad ? '🔴' : '🟢'} ${text}`),
        locale,
        '',
      );
    },
  },
  explain: {
    what: { en: 'What somebody got, and why: /explain 100005', ru: 'Что получил клиент и почему: /explain 100005' },
    needs: 'support',
    async run(context, { locale, rest }) {
      if (rest === '' || rest.length > LONGEST_NAME) return html`${say('explainWhom', locale)}`;
      const users = await context.explain(rest, locale);
      if (users.length === 0) return html`${say('nobody', locale, rest)}`;
      return paragraphs(users.map(({ sentences, username }) => html`<b>${username}</b>\n${sentences.join('\n')}`));
    },
  },
  payments: {
    what: { en: 'Payments that wait for a person', ru: 'Платежи, которые ждут решения' },
    needs: 'support',
    async run(context, { locale }) {
      const { next, payments } = await context.desk.list({ all: false, open: false, limit: LISTED, locale });
      if (payments.length === 0) return html`✅ ${say('noPayments', locale)}`;
      const lines = payments.map(
        ({ customer, id, price, why }) =>
          `${price.amount} ${price.currency}, ${customer.username ?? customer.telegramId ?? customer.id}: ${why} (${id.slice(0, 8)})`,
      );
      const more = next === undefined ? html`` : html`\n…`;
      return html`<b>${say('payments', locale)}</b>\n${bullets(lines, locale)}${more}`;
    },
  },
  mute: {
    what: { en: 'Mute what is on now', ru: 'Заглушить то, что происходит' },
    needs: 'admin',
    async run(context, { chatId, locale, signal, update }) {
      const on = await context.offerMutes(chatId, update, signal);
      return on === 0 ? html`✅ ${say('allCalm', locale)}` : undefined;
    },
  },
  login: {
    what: { en: 'A link that logs you in to the console', ru: 'Ссылка для входа в консоль' },
    needs: 'view',
    async run(context, { chatId, locale, person }) {
      if (chatId !== person.id) return html`${say('loginInPrivate', locale)}`;
      const link = await context.loginLink(person);
      return link === undefined ? html`${say('noConsole', locale)}` : html`${say('loginLink', locale)}\n${link}`;
    },
  },
  help: {
    what: { en: 'What this bot does', ru: 'Что умеет этот бот' },
    needs: 'view',
    run: async (_context, { locale, person }) => helpOf(person, locale),
  },
};

/** The menu beside the text field. */
export const menuOf = (locale: Locale): { command: string; description: string }[] =>
  Object.entries(COMMANDS).map(([command, { what }]) => ({ command, description: what[locale] }));

/** The commands that this person may use, and the role. */
export function helpOf({ role }: StaffPerson, locale: Locale): Html {
  const lines = menuOf(locale).map(({ command, description }) => `/${command}: ${description}`);
  return paragraphs([
    html`<b>${say('help', locale)}</b>\n${lines.join('\n')}`,
    html`${say('helpButtons', locale)}`,
    html`${say('yourRole', locale, role)}`,
  ]);
}

const paragraphs = (all: readonly Html[]): Html => join(all, '\n\n');

function bullets(lines: readonly string[], locale: Locale, mark = '• '): Html {
  const shown = lines.slice(0, LISTED).map((line) => html`${mark}${line}`);
  const left = lines.length - shown.length;
  return join(left > 0 ? [...shown, html`${say('more', locale, left)}`] : shown, '\n');
}

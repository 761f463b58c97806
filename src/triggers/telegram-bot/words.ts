import type { Locale } from '../../lib/locale.ts';

export type BotText = Readonly<Record<Locale, string>>;

/** What the bot says, plain text; values stand where `%` does. */
export const WORDS = {
  stranger: {
    en: 'This bot is for the staff of the service, and you are not on its list.',
    ru: 'Этот бот только для сотрудников сервиса, вас нет в его списке.',
  },
  notAllowed: {
    en: 'This needs the role %, yours is %.',
    ru: 'Для этого нужна роль %, у вас %.',
  },
  unknownButton: { en: 'This button is not known any more.', ru: 'Такой кнопки больше нет.' },
  failed: {
    en: 'That did not work: the service cannot be reached now. Try again in a minute.',
    ru: 'Не получилось: сервис сейчас недоступен. Повторите через минуту.',
  },
  help: { en: 'What this bot does', ru: 'Что умеет этот бот' },
  helpButtons: {
    en: 'Alerts come with buttons. What you tap is done once, and the message then says by whom.',
    ru: 'Оповещения приходят с кнопками. Нажатое выполняется один раз, и в сообщении видно, кто это сделал.',
  },
  yourRole: { en: 'Your role: %', ru: 'Ваша роль: %' },
  alertsOn: { en: 'On now', ru: 'Происходит сейчас' },
  allCalm: { en: 'No alert is on.', ru: 'Ничего не происходит.' },
  held: { en: 'Waits for a decision', ru: 'Ждёт решения' },
  nodesOnline: { en: 'Nodes online: % of %', ru: 'Узлов на связи: % из %' },
  deadLetters: { en: 'Failed for good: %', ru: 'Не выполнено окончательно: %' },
  deliveries: {
    en: 'Messages in the last hour: % sent, % failed',
    ru: 'Сообщений за последний час: отправлено %, не отправлено %',
  },
  unknown: { en: 'not known now', ru: 'сейчас неизвестно' },
  noNodes: { en: 'No nodes are known.', ru: 'Узлов пока нет.' },
  more: { en: 'and % more', ru: 'и ещё %' },
  explainWhom: {
    en: 'Whom? For example: /explain 100005 or /explain olga_k',
    ru: 'О ком? Например: /explain 100005 или /explain olga_k',
  },
  nobody: { en: 'The panel has no user %.', ru: 'В панели нет пользователя %.' },
  noPayments: { en: 'No payment waits for a person.', ru: 'Ни один платёж не ждёт решения.' },
  payments: { en: 'Payments that wait for a person', ru: 'Платежи, которые ждут решения' },
  loginLink: {
    en: 'Open this link within 5 minutes to log in; it works once:',
    ru: 'Откройте ссылку в течение 5 минут, чтобы войти; она действует один раз:',
  },
  noConsole: {
    en: 'There is no console to log in to: PUBLIC_URL and API_TOKENS must be set.',
    ru: 'Войти некуда: нужны PUBLIC_URL и API_TOKENS.',
  },
  loginInPrivate: {
    en: 'Write /login to me in a private chat: the link logs in whoever opens it.',
    ru: 'Напишите /login мне в личном чате: по ссылке войдёт любой, кто её откроет.',
  },
} as const satisfies Readonly<Record<string, BotText>>;

/** One of these texts, with its values. */
export function say(word: keyof typeof WORDS, locale: Locale, ...values: readonly (string | number)[]): string {
  let next = 0;
  return WORDS[word][locale].replaceAll('%', () => String(values[next++]));
}

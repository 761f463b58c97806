import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { alertMessage } from './alerts.ts';

/** Lists that are read item by item: what stands in them, and where a person mends it. */
const LISTS = {
  panel_users: {
    en: {
      items: 'Panel users',
      advice: 'Mend them at the panel. Until then they get no reminder and are not disabled.',
    },
    ru: {
      items: 'Пользователи панели',
      advice: 'Исправьте их в панели. До этого они не получают напоминаний и не отключаются.',
    },
  },
  panel_nodes: {
    en: { items: 'Nodes', advice: 'Mend them at the panel. Until then their state is unknown.' },
    ru: { items: 'Узлы', advice: 'Исправьте их в панели. До этого их состояние неизвестно.' },
  },
  cryptobot_invoices: {
    en: {
      items: 'Invoices of Crypto Pay',
      advice: 'Look at them in Crypto Pay. Their payments wait and are not ended.',
    },
    ru: { items: 'Счета Crypto Pay', advice: 'Проверьте их в Crypto Pay. Их платежи ждут и не закрываются.' },
  },
  payments: {
    en: { items: 'Rows of payments', advice: 'Mend these rows in the database. Until then their payments wait.' },
    ru: { items: 'Строки payments', advice: 'Исправьте эти строки в базе данных. До этого платежи ждут.' },
  },
  disablings: {
    en: {
      items: 'Intents to disable a user, in Redis',
      advice:
        'Look at these users at the panel: whether one is off may lack its entry in the audit. The intents end after two days.',
    },
    ru: {
      items: 'Намерения отключить пользователя (в Redis)',
      advice:
        'Проверьте этих пользователей в панели: отключение могло не попасть в аудит. Через два дня намерения исчезнут.',
    },
  },
  brake_holds: {
    en: {
      items: 'Held runs, in Redis',
      advice: 'They stay held. Take the entry of that name out of Redis, as the runbook says: the next run asks again.',
    },
    ru: {
      items: 'Остановленные запуски (в Redis)',
      advice:
        'Они остаются остановленными. Уберите запись с этим именем из Redis, как сказано в инструкции: следующий запуск спросит снова.',
    },
  },
  paused_schedules: {
    en: {
      items: 'Paused schedules, in Redis',
      advice: 'They stay paused. To let one run, take the entry of that name out of Redis, as the runbook says.',
    },
    ru: {
      items: 'Приостановленные расписания (в Redis)',
      advice:
        'Они остаются на паузе. Чтобы запустить, уберите запись с этим именем из Redis, как сказано в инструкции.',
    },
  },
} as const;

type Words = { items: string; advice: string };

const OTHER = {
  en: { items: 'Items', advice: 'Mend them where they are kept. All others are dealt with as usual.' },
  ru: { items: 'Записи', advice: 'Исправьте их там, где они хранятся. Остальные обрабатываются как обычно.' },
};

const isKnown = (source: string): source is keyof typeof LISTS => Object.hasOwn(LISTS, source);

const wordsFor = (source: string, locale: Locale): Words => (isKnown(source) ? LISTS[source] : OTHER)[locale];

/** So many are named. More come of one mistake, and the sentence behind them says where all of them are. */
const NAMED = 200;

/** Items that are left out of a list because they cannot be read, each with what is wrong. `source` names the list. */
export function itemsUnreadable(
  source: string,
  items: readonly { item: string; problem: string }[],
  locale: Locale,
): Html {
  const { advice, items: what } = wordsFor(source, locale);
  const title = {
    en: html`${what} that cannot be read: <b>${items.length}</b>`,
    ru: html`${what}, которые не удаётся прочитать: <b>${items.length}</b>`,
  }[locale];
  const lines = items.map(({ item, problem }) => html`• <code>${item}</code>: ${problem}`);
  return alertMessage('warning', title, [...lines, advice], locale);
}

/** The same items, once they can be read. */
export function itemsReadable(source: string, items: readonly { subject: string }[], locale: Locale): Html {
  const what = wordsFor(source, locale).items;
  const title = {
    en: html`${what} can be read again: <b>${items.length}</b>`,
    ru: html`${what} снова читаются: <b>${items.length}</b>`,
  }[locale];
  return alertMessage(
    'resolved',
    title,
    items.map(({ subject }) => html`• <code>${subject}</code>`),
    locale,
  );
}

/** Rows of notification_queue that were ended because they cannot be sent by what stands in them. */
export function notificationsUnreadable(rows: readonly { item: string; error: string }[], locale: Locale): Html {
  const title = {
    en: html`Messages that cannot be sent by what stands in their rows: <b>${rows.length}</b>`,
    ru: html`Сообщения, которые нельзя отправить из-за содержимого строк: <b>${rows.length}</b>`,
  }[locale];
  const lines = rows.slice(0, NAMED).map(({ error, item }) => html`• <code>${item}</code>: ${error}`);
  const more = rows.length - lines.length;
  const rest = {
    en: html`… and ${more} more: their error_message in notification_queue begins with "unreadable:"`,
    ru: html`… и ещё ${more}: их error_message в notification_queue начинается с "unreadable:"`,
  }[locale];
  const advice = {
    en: 'They are marked failed in notification_queue; all others went on. To send one, mend its row and set it to pending.',
    ru: 'В notification_queue они помечены failed, остальные отправлены. Чтобы отправить, исправьте строку и верните статус pending.',
  }[locale];
  return alertMessage('warning', title, [...lines, ...(more > 0 ? [rest] : []), advice], locale);
}

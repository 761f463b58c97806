import { type Html, html } from '../lib/html.ts';
import { fact } from '../lib/labels.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';
import { minuteInUtc, spanInUtc } from './time.ts';

export type NodeLine = { name: string; country?: string | undefined; reason?: string | undefined };

/** A trouble that is over, with its times; `told` says whether the admins had heard of it. */
export type PastTrouble = { subject: string; since: Date; endedAt: Date; downtimeMs: number; told: boolean };

/** A node went down. `all` says that every node did. */
export function nodeOffline(node: NodeLine, { all }: { all: boolean }, locale: Locale): Html {
  const title = { en: html`Node <b>${node.name}</b> is offline`, ru: html`Узел <b>${node.name}</b> недоступен` };
  const advice = {
    en: 'All nodes at once: look at the panel and its network first.',
    ru: 'Все узлы сразу: сначала проверьте панель и её сеть.',
  }[locale];
  const where = { en: 'Country', ru: 'Страна' }[locale];
  const { country, reason } = node;
  const details = [...(country ? [html`${where}: ${country}`] : []), ...(reason ? [html`<code>${reason}</code>`] : [])];
  return alertMessage(
    'critical',
    title[locale],
    [...details, ...(all && details.length > 0 ? [''] : []), ...(all ? [advice] : [])],
    locale,
  );
}

/** A node is back and stays so. */
export function nodeBack(node: PastTrouble, locale: Locale): Html {
  const name = html`<b>${node.subject}</b>`;
  const back = { en: html`Node ${name} is online again`, ru: html`Узел ${name} снова доступен` }[locale];
  const was = { en: html`Node ${name} was down`, ru: html`Узел ${name} был недоступен` }[locale];
  return troubleOver(node, { back, was }, locale);
}

/** A node comes and goes. Nothing more is said of it until it is stable. */
export function nodeUnstable(node: NodeLine, locale: Locale): Html {
  const title = {
    en: html`Node <b>${node.name}</b> is unstable`,
    ru: html`Узел <b>${node.name}</b> работает нестабильно`,
  }[locale];
  const note = {
    en: 'More than 3 changes in 10 minutes. You will hear again when it has been calm for 10 minutes.',
    ru: 'Больше 3 переключений за 10 минут. Следующее сообщение — после 10 спокойных минут.',
  }[locale];
  return alertMessage('warning', title, [note], locale);
}

/** The flapping of a node is over and it serves. */
export function nodeStable(node: PastTrouble, locale: Locale): Html {
  const name = html`<b>${node.subject}</b>`;
  const back = { en: html`Node ${name} is stable again`, ru: html`Узел ${name} снова стабилен` }[locale];
  const was = { en: html`Node ${name} was unstable`, ru: html`Узел ${name} был нестабилен` }[locale];
  return troubleOver(node, { back, was }, locale);
}

/** The panel was up- or downgraded. `isOther`: its users have other ids now. */
export function panelReplaced(
  { from, isOther, to }: { from: string; to: string; isOther: boolean },
  locale: Locale,
): Html {
  const title = {
    en: html`The panel went from <b>${from}</b> to <b>${to}</b>`,
    ru: html`Панель обновлена: <b>${from}</b> → <b>${to}</b>`,
  };
  const lines = {
    en: [
      'All workers speak to the new one. Its users have other ids: bulk operations by the old ids stop and say so, everything else goes on by name.',
      'See “Upgrading the panel” in the operations document.',
    ],
    ru: [
      'Все воркеры уже работают с новой версией. Идентификаторы пользователей сменились: массовые операции по старым остановятся и сообщат об этом, остальное продолжается по имени.',
      'См. «Upgrading the panel» в документе operations.',
    ],
  };
  return alertMessage(isOther ? 'warning' : 'info', title[locale], isOther ? lines[locale] : [], locale);
}

/** A node is to be paid for, as the panel reminds. */
export function panelBill(
  { dueAt, isOverdue, node, provider }: { node: string; provider: string; dueAt: Date; isOverdue: boolean },
  locale: Locale,
): Html {
  const title = isOverdue
    ? { en: html`The bill for node <b>${node}</b> is overdue`, ru: html`Счёт за узел <b>${node}</b> просрочен` }
    : { en: html`Node <b>${node}</b> is to be paid for`, ru: html`Пора оплатить узел <b>${node}</b>` };
  const advice = {
    en: 'Pay it there, then set the next date in the panel (Infra billing). Without payment the provider switches the node off.',
    ru: 'Оплатите у провайдера и укажите следующую дату в панели (Infra billing). Без оплаты провайдер отключит узел.',
  }[locale];
  const lines = [fact('provider', provider, locale), fact('payBefore', minuteInUtc(dueAt), locale), '', advice];
  return alertMessage('warning', title[locale], lines, locale);
}

/** RESOLVED for those who know of the trouble; to the others, that it was. */
function troubleOver(past: PastTrouble, { back, was }: { back: Html; was: Html }, locale: Locale): Html {
  const { downtimeMs, endedAt, since, told } = past;
  const span = spanInUtc(since, endedAt, locale);
  const lasted = durationText(downtimeMs, locale);
  const downtime = { en: `Downtime: ${lasted}`, ru: `Простой: ${lasted}` }[locale];
  return told
    ? alertMessage('resolved', back, [downtime, html`${was}: ${span}`], locale)
    : alertMessage('past', html`${was} ${span}`, [downtime, back], locale);
}

/** Services that are watched: as people call each, and what stops while it is away, so that an admin knows how urgent it is. */
const SERVICES = {
  remnawave: {
    title: 'Remnawave',
    en: 'Nodes and users cannot be seen or changed; nobody is taken for offline or expired meanwhile.',
    ru: 'Узлы и пользователи недоступны для чтения и изменений; офлайн и истёкшими они пока не считаются.',
  },
  postgresql: {
    title: 'PostgreSQL',
    en: 'Notifications and payments wait in the database until it is back.',
    ru: 'Уведомления и платежи ждут в базе данных до её восстановления.',
  },
  redis: {
    title: 'Redis',
    en: 'No task runs until it is back.',
    ru: 'Задачи не выполняются до восстановления.',
  },
  telegram: {
    title: 'Telegram',
    en: 'Messages wait and leave once it is back.',
    ru: 'Сообщения ждут и уйдут после восстановления.',
  },
  cryptobot: {
    title: 'CryptoBot',
    en: 'Payments are not verified and no invoice can be made until it is back.',
    ru: 'Платежи не проверяются, счета не создаются до восстановления.',
  },
} as const;

export type WatchedService = keyof typeof SERVICES;
export const WATCHED_SERVICES = Object.keys(SERVICES) as readonly WatchedService[];

const isWatched = (name: string): name is WatchedService => Object.hasOwn(SERVICES, name);

/** A service as people call it; its own name where it is not watched. */
export const serviceTitle = (name: string): string => (isWatched(name) ? SERVICES[name].title : name);

/** An outside service has failed several looks in a row. */
export function serviceDown(
  service: { name: string; failures: number; error?: string | undefined },
  locale: Locale,
): Html {
  const name = serviceTitle(service.name);
  const title = { en: html`<b>${name}</b> does not answer`, ru: html`<b>${name}</b> не отвечает` }[locale];
  const failed = {
    en: `Failed checks in a row: ${service.failures}`,
    ru: `Неудачных проверок подряд: ${service.failures}`,
  };
  const consequence = isWatched(service.name) ? SERVICES[service.name][locale] : undefined;
  const error = service.error ? [html`<code>${service.error.slice(0, 300)}</code>`] : [];
  return alertMessage('critical', title, [failed[locale], ...error, ...(consequence ? [consequence] : [])], locale);
}

/** An outside service answers again. */
export function serviceBack(service: PastTrouble, locale: Locale): Html {
  const name = html`<b>${serviceTitle(service.subject)}</b>`;
  const back = { en: html`${name} answers again`, ru: html`${name} снова отвечает` }[locale];
  const was = { en: html`${name} was down`, ru: html`${name} не отвечал` }[locale];
  return troubleOver(service, { back, was }, locale);
}

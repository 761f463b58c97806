import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { alertMessage } from './alerts.ts';

/** Lines of a message that lists nodes; more are counted. Keeps a mass outage within one Telegram message. */
const LISTED = 20;

export type NodeLine = { name: string; country?: string | undefined; reason?: string | undefined };

/** Nodes that went down, together. `total` = all nodes there are. */
export function nodesOffline(nodes: readonly NodeLine[], total: number, locale: Locale): Html {
  const [first] = nodes;
  if (nodes.length === 1 && first) {
    const title = { en: html`Node <b>${first.name}</b> is offline`, ru: html`Нода <b>${first.name}</b> недоступна` };
    return alertMessage('critical', title[locale], nodeDetails(first, locale), locale);
  }
  const title = {
    en: html`<b>${nodes.length}</b> of ${total} nodes are offline`,
    ru: html`Недоступны ноды: <b>${nodes.length}</b> из ${total}`,
  }[locale];
  const advice = {
    en: 'All at once: look at the panel and its network first.',
    ru: 'Все сразу: сначала проверьте панель и её сеть.',
  }[locale];
  return alertMessage(
    'critical',
    title,
    [...listed(nodes, locale), ...(nodes.length === total ? [advice] : [])],
    locale,
  );
}

/** Nodes that are back for good, each with how long it was away. */
export function nodesBack(nodes: readonly { subject: string; downtimeMs: number }[], locale: Locale): Html {
  const [first] = nodes;
  if (nodes.length === 1 && first) {
    const away = durationText(first.downtimeMs, locale);
    const title = {
      en: html`Node <b>${first.subject}</b> is online again`,
      ru: html`Нода <b>${first.subject}</b> снова доступна`,
    }[locale];
    return alertMessage('resolved', title, [{ en: `Downtime: ${away}`, ru: `Простой: ${away}` }[locale]], locale);
  }
  const title = {
    en: html`<b>${nodes.length}</b> nodes are online again`,
    ru: html`Снова доступны ноды: <b>${nodes.length}</b>`,
  };
  const lines = nodes.map(({ subject, downtimeMs }) => ({ name: subject, reason: durationText(downtimeMs, locale) }));
  return alertMessage('resolved', title[locale], listed(lines, locale), locale);
}

/** Nodes that come and go. Nothing more is said of them until they are stable. */
export function nodesUnstable(nodes: readonly NodeLine[], locale: Locale): Html {
  const names = nodes.length === 1 ? nodes[0]!.name : undefined;
  const title = {
    en: names ? html`Node <b>${names}</b> is unstable` : html`<b>${nodes.length}</b> nodes are unstable`,
    ru: names ? html`Нода <b>${names}</b> работает нестабильно` : html`Нестабильны ноды: <b>${nodes.length}</b>`,
  }[locale];
  const note = {
    en: 'More than 3 changes in 10 minutes. You will hear again when it has been calm for 10 minutes.',
    ru: 'Больше 3 переключений за 10 минут. Следующее сообщение — после 10 спокойных минут.',
  }[locale];
  return alertMessage('warning', title, [...(names ? [] : listed(nodes, locale)), note], locale);
}

/** Nodes whose flapping is over and that serve. */
export function nodesStable(nodes: readonly { subject: string; downtimeMs: number }[], locale: Locale): Html {
  const title = { en: 'Nodes are stable again', ru: 'Ноды снова стабильны' }[locale];
  const lines = nodes.map(({ subject, downtimeMs }) => {
    const lasted = durationText(downtimeMs, locale);
    return { name: subject, reason: { en: `unstable for ${lasted}`, ru: `нестабильна ${lasted}` }[locale] };
  });
  return alertMessage('resolved', title, listed(lines, locale), locale);
}

/** Services that are watched: as people call each, and what stops while it is away, so that an admin knows how urgent it is. */
const SERVICES = {
  remnawave: {
    title: 'Remnawave',
    en: 'Nodes and users can not be seen or changed; nobody is taken for offline or expired meanwhile.',
    ru: 'Ноды и пользователи недоступны для чтения и изменений; офлайн и истёкшими они пока не считаются.',
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
export function serviceBack(service: { name: string; downtimeMs: number }, locale: Locale): Html {
  const name = serviceTitle(service.name);
  const away = durationText(service.downtimeMs, locale);
  const title = { en: html`<b>${name}</b> answers again`, ru: html`<b>${name}</b> снова отвечает` }[locale];
  return alertMessage('resolved', title, [{ en: `Downtime: ${away}`, ru: `Простой: ${away}` }[locale]], locale);
}

const UNITS = [
  { ms: 86_400_000, en: 'd', ru: 'д' },
  { ms: 3_600_000, en: 'h', ru: 'ч' },
  { ms: 60_000, en: 'min', ru: 'мин' },
  { ms: 1000, en: 's', ru: 'с' },
] as const;

/** `2 h 5 min`: the two largest units, rounded to the smaller one. */
export function durationText(ms: number, locale: Locale): string {
  const whole = Math.max(0, Math.round(ms / 1000)) * 1000;
  const first = UNITS.findIndex((unit) => whole >= unit.ms);
  if (first === -1) return `0 ${UNITS[3][locale]}`;
  const shown = UNITS.slice(first, first + 2);
  const smallest = shown.at(-1)!.ms;
  const rounded = Math.round(whole / smallest) * smallest;
  // Rounded up to a day, 23 h 59 min 40 s has other units than before.
  if (first > 0 && rounded >= UNITS[first - 1]!.ms) return durationText(rounded, locale);
  let left = rounded;
  const parts = shown.map((unit) => {
    const count = Math.floor(left / unit.ms);
    left -= count * unit.ms;
    return count > 0 ? `${count} ${unit[locale]}` : '';
  });
  return parts.filter(Boolean).join(' ');
}

function nodeDetails({ country, reason }: NodeLine, locale: Locale): Html[] {
  const where = { en: 'Country', ru: 'Страна' }[locale];
  return [...(country ? [html`${where}: ${country}`] : []), ...(reason ? [html`<code>${reason}</code>`] : [])];
}

function listed(nodes: readonly NodeLine[], locale: Locale): Html[] {
  const lines = nodes.slice(0, LISTED).map(({ country, name, reason }) => {
    const where = country ? ` (${country})` : '';
    return reason ? html`• <b>${name}</b>${where}: ${reason}` : html`• <b>${name}</b>${where}`;
  });
  const hidden = nodes.length - lines.length;
  const rest = { en: html`… and ${hidden} more`, ru: html`… и ещё ${hidden}` }[locale];
  return hidden > 0 ? [...lines, rest] : lines;
}

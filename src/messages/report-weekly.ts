import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import type { Remark, WeekFigures } from './figures.ts';
import { durationText, serviceTitle } from './monitoring.ts';
import {
  bytesText,
  count,
  listed,
  named,
  percentText,
  type Section,
  section,
  shareText,
  sparkline,
  trend,
  unknown,
} from './report-lines.ts';
import { notificationSection, paymentSection, taskSection } from './report-sections.ts';

const NODES_LISTED = 5;

/** Changes against the week before in percent, of the means of the days that are known. */
export type WeekTrends = {
  newUsers: number | null;
  churned: number | null;
  active: number | null;
  bytes: number | null;
  incidents: number | null;
  byCurrency: ReadonlyMap<string, number | null>;
};

export type WeeklyReport = { week: WeekFigures; trends: WeekTrends; findings: readonly Remark[] };

/** A week for the admins, against the week before. Days without figures are named. */
export function weeklyReport({ findings, trends, week }: WeeklyReport, locale: Locale): Html {
  const title = { en: 'Weekly report', ru: 'Отчёт за неделю' }[locale];
  const changes = new Map([...trends.byCurrency].map(([currency, percent]) => [currency, trend(percent)]));
  const sections = [
    userSection(week, trends, locale),
    paymentSection(week.payments, locale, changes),
    nodeSection(week, trends, locale),
    trafficSection(week, trends, locale),
    responseSection(week, locale),
    notificationSection(week.notifications, locale),
    taskSection(week.tasks, locale),
    ...missingSections(week, locale),
    adviceSection(findings, locale),
  ];
  return join([html`📈 <b>${title}</b> ${week.from} – ${week.to} (UTC)`, ...sections.map(section)], '\n\n');
}

function userSection({ users }: WeekFigures, trends: WeekTrends, locale: Locale): Section {
  const title = { en: 'Users', ru: 'Пользователи' }[locale];
  if (!users) return { icon: '👥', title, lines: [unknown(locale)] };
  const words = {
    en: { new: 'New', gone: 'Churned', active: 'Active at the end' },
    ru: { new: 'Новые', gone: 'Ушли', active: 'Активны в конце' },
  }[locale];
  const active = users.active === null ? unknown(locale) : count(users.active, locale);
  return {
    icon: '👥',
    title,
    lines: [
      html`${words.new}: <b>${count(users.new, locale)}</b>${trend(trends.newUsers)} ${sparkline(users.daily_new)}`,
      html`${words.gone}: <b>${count(users.churned, locale)}</b>${trend(trends.churned)}`,
      html`${words.active}: <b>${active}</b>${trend(trends.active)}`,
    ],
  };
}

function nodeSection({ uptime }: WeekFigures, trends: WeekTrends, locale: Locale): Section {
  const title = { en: 'Nodes', ru: 'Ноды' }[locale];
  if (!uptime || uptime.percent === null) return { icon: '🖥', title, lines: [unknown(locale)] };
  const words = {
    en: { uptime: 'Uptime', incidents: 'Incidents', worst: 'Worst', down: 'down' },
    ru: { uptime: 'Доступность', incidents: 'Инциденты', worst: 'Худшие', down: 'простой' },
  }[locale];
  const worst = uptime.nodes.filter(({ incidents, percent }) => incidents > 0 || (percent ?? 100) < 100);
  const lines = worst.slice(0, NODES_LISTED).map(({ down_seconds, incidents, name, percent }) => {
    const share = percent === null ? unknown(locale) : percentText(percent, locale);
    return html`• ${named(name)}: ${incidents} × 🚨, ${share}, ${words.down} ${durationText(down_seconds * 1000, locale)}`;
  });
  return {
    icon: '🖥',
    title,
    lines: [
      html`${words.uptime}: <b>${percentText(uptime.percent, locale)}</b>`,
      html`${words.incidents}: <b>${uptime.incidents}</b>${trend(trends.incidents)}`,
      ...(lines.length > 0 ? [html`${words.worst}:`, ...lines] : []),
    ],
  };
}

function trafficSection({ bandwidth }: WeekFigures, trends: WeekTrends, locale: Locale): Section {
  const title = { en: 'Traffic', ru: 'Трафик' }[locale];
  if (!bandwidth) return { icon: '📡', title, lines: [unknown(locale)] };
  return {
    icon: '📡',
    title,
    lines: [
      html`<b>${bytesText(bandwidth.bytes, locale)}</b>${trend(trends.bytes)} ${sparkline(bandwidth.daily)}`,
      ...bandwidth.nodes
        .slice(0, NODES_LISTED)
        .map(({ bytes, name }) => html`• ${named(name)}: ${bytesText(bytes, locale)}`),
    ],
  };
}

function responseSection({ tasks }: WeekFigures, locale: Locale): Section {
  const title = { en: 'Mean API response time', ru: 'Среднее время ответа API' }[locale];
  const calls = Object.entries(tasks?.calls ?? {});
  if (calls.length === 0) return { icon: '⏱', title, lines: [unknown(locale)] };
  const unit = { en: 'ms', ru: 'мс' }[locale];
  const requests = { en: 'requests', ru: 'запросов' }[locale];
  return {
    icon: '⏱',
    title,
    lines: listed(
      calls,
      NODES_LISTED,
      ([service, { count: n, mean_ms: ms }]) =>
        html`• ${serviceTitle(service)}: ${count(ms, locale)} ${unit} (${count(n, locale)} ${requests})`,
      locale,
    ),
  };
}

const PARTS = {
  users: { en: 'users', ru: 'пользователи' },
  bandwidth: { en: 'traffic', ru: 'трафик' },
  uptime: { en: 'uptime', ru: 'доступность' },
  notifications: { en: 'notifications', ru: 'уведомления' },
  tasks: { en: 'tasks', ru: 'задачи' },
} as const satisfies Record<keyof WeekFigures['missing'], Record<Locale, string>>;

function missingSections({ missing }: WeekFigures, locale: Locale): Section[] {
  const lines = Object.entries(PARTS).flatMap(([part, name]) => {
    const days = missing[part as keyof typeof PARTS];
    return days.length > 0 ? [html`• ${name[locale]}: ${days.join(', ')}`] : [];
  });
  if (lines.length === 0) return [];
  const title = { en: 'Days without data, not counted above', ru: 'Дни без данных, выше не учтены' }[locale];
  return [{ icon: 'ℹ️', title, lines }];
}

function adviceSection(findings: readonly Remark[], locale: Locale): Section {
  const title = { en: 'Recommendations', ru: 'Рекомендации' }[locale];
  const fine = { en: 'nothing out of the ordinary', ru: 'отклонений нет' }[locale];
  const lines = findings.map((finding) => html`• ${advice(finding, locale)}`);
  return { icon: '💡', title, lines: lines.length > 0 ? lines : [fine] };
}

function advice(finding: Remark, locale: Locale): Html {
  switch (finding.kind) {
    case 'node_weak': {
      const { incidents, name } = finding;
      const share = percentText(finding.percent, locale);
      return {
        en: html`${named(name)}: ${share} uptime, ${incidents} outages. Look at its host and network, or move its users.`,
        ru: html`${named(name)}: доступность ${share}, сбоев ${incidents}. Проверьте хост и сеть или перенесите пользователей.`,
      }[locale];
    }
    case 'payments_fail':
      return {
        en: html`${shareText(finding.share, locale)} of payments fail. Compare with the payment provider's status and the checkout.`,
        ru: html`Не проходит ${shareText(finding.share, locale)} платежей. Сверьтесь со статусом провайдера и формой оплаты.`,
      }[locale];
    case 'income_fell':
      return {
        en: html`Revenue in ${finding.currency} fell by ${-finding.percent} %. Look whether a plan, a payment method or a node is the reason.`,
        ru: html`Выручка в ${finding.currency} упала на ${-finding.percent} %. Проверьте тарифы, способы оплаты и ноды.`,
      }[locale];
    case 'more_leave':
      return {
        en: html`More users left (${finding.gone}) than came (${finding.came}). Look at reminders and undeliverable notifications.`,
        ru: html`Ушло (${finding.gone}) больше, чем пришло (${finding.came}). Проверьте напоминания и недоставленные уведомления.`,
      }[locale];
    case 'tasks_fail':
      return {
        en: html`${shareText(finding.share, locale)} of tasks fail, most often <code>${finding.task}</code>. See the dead letters.`,
        ru: html`С ошибкой завершается ${shareText(finding.share, locale)} задач, чаще всего <code>${finding.task}</code>. См. dead letters.`,
      }[locale];
    case 'undelivered':
      return {
        en: html`${shareText(finding.share, locale)} of notifications are undeliverable, mostly <code>${finding.reason}</code>.`,
        ru: html`Не доставляется ${shareText(finding.share, locale)} уведомлений, в основном <code>${finding.reason}</code>.`,
      }[locale];
    case 'slow_service':
      return {
        en: html`${serviceTitle(finding.service)} takes ${finding.meanMs} ms on average. Look at its load.`,
        ru: html`${serviceTitle(finding.service)} отвечает в среднем за ${finding.meanMs} мс. Проверьте нагрузку.`,
      }[locale];
    case 'days_missing':
      return {
        en: html`Figures of ${finding.days} days are incomplete. Look whether worker, Redis and panel were up.`,
        ru: html`Данные за ${finding.days} дн. неполные. Проверьте, работали ли воркер, Redis и панель.`,
      }[locale];
  }
}

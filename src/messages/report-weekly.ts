import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import {
  bytesText,
  durationText,
  howMany,
  latencyText,
  numberText,
  percentText,
  shareText,
} from '../lib/quantities.ts';
import type { Remark, WeekFigures } from './figures.ts';
import { serviceTitle } from './monitoring.ts';
import { campaignSections } from './report-campaigns.ts';
import { listed, named, type Section, section, sparkline, trend, unknown } from './report-lines.ts';
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

export type WeeklyReport = { week: WeekFigures; trends: WeekTrends; findings: readonly Remark[]; zone?: string };

/** A week for the admins, against the week before. Days without figures are named. */
export function weeklyReport({ findings, trends, week, zone = 'UTC' }: WeeklyReport, locale: Locale): Html {
  const title = { en: 'Weekly report', ru: 'Отчёт за неделю' }[locale];
  const changes = new Map([...trends.byCurrency].map(([currency, percent]) => [currency, trend(percent, locale)]));
  const sections = [
    userSection(week, trends, locale),
    paymentSection(week.payments, locale, changes),
    ...campaignSections(week, locale),
    nodeSection(week, trends, locale),
    trafficSection(week, trends, locale),
    responseSection(week, locale),
    notificationSection(week.notifications, locale),
    taskSection(week.tasks, locale),
    ...missingSections(week, locale),
    adviceSection(findings, locale),
  ];
  return join([html`📈 <b>${title}</b> ${week.from} – ${week.to} (${zone})`, ...sections.map(section)], '\n\n');
}

function userSection({ users }: WeekFigures, trends: WeekTrends, locale: Locale): Section {
  const title = { en: 'Users', ru: 'Пользователи' }[locale];
  if (!users) return { icon: '👥', title, lines: [unknown(locale)] };
  const words = {
    en: { new: 'New', gone: 'Churned', active: 'Active at the end' },
    ru: { new: 'Новые', gone: 'Ушли', active: 'Активны в конце' },
  }[locale];
  const active = users.active === null ? unknown(locale) : numberText(users.active, locale);
  return {
    icon: '👥',
    title,
    lines: [
      html`${words.new}: <b>${numberText(users.new, locale)}</b>${trend(trends.newUsers, locale)} ${sparkline(users.daily_new)}`,
      html`${words.gone}: <b>${numberText(users.churned, locale)}</b>${trend(trends.churned, locale)}`,
      html`${words.active}: <b>${active}</b>${trend(trends.active, locale)}`,
    ],
  };
}

function nodeSection({ uptime }: WeekFigures, trends: WeekTrends, locale: Locale): Section {
  const title = { en: 'Nodes', ru: 'Узлы' }[locale];
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
      html`${words.incidents}: <b>${numberText(uptime.incidents, locale)}</b>${trend(trends.incidents, locale)}`,
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
      html`<b>${bytesText(bandwidth.bytes, locale)}</b>${trend(trends.bytes, locale)} ${sparkline(bandwidth.daily)}`,
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
  return {
    icon: '⏱',
    title,
    lines: listed(
      calls,
      NODES_LISTED,
      ([service, { count: n, mean_ms: ms }]) =>
        html`• ${serviceTitle(service)}: ${latencyText(ms, locale)} (${howMany(n, 'request', locale)})`,
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

function missingSections({ begins, missing }: WeekFigures, locale: Locale): Section[] {
  const lines = Object.entries(PARTS).flatMap(([part, name]) => {
    const days = missing[part as keyof typeof PARTS];
    return days.length > 0 ? [html`• ${name[locale]}: ${days.join(', ')}`] : [];
  });
  const before = begins === null ? [] : [beforeFirst(begins, locale)];
  if (lines.length === 0) return before;
  const title = { en: 'Days without data, not counted above', ru: 'Дни без данных, выше не учтены' }[locale];
  return [...before, { icon: 'ℹ️', title, lines }];
}

/** Days that the worker does not know are no failure, and are not counted. */
function beforeFirst(begins: string, locale: Locale): Section {
  const title = { en: 'Before the first day', ru: 'До первого дня' }[locale];
  const none = {
    en: 'The worker does not know this week: it was not running yet, or Redis has been emptied since.',
    ru: 'Эта неделя воркеру неизвестна: он ещё не работал, или Redis с тех пор очищен.',
  }[locale];
  const since = {
    en: `The worker has figures since ${begins}; earlier days are not known and not counted.`,
    ru: `Данные есть с ${begins}; более ранние дни неизвестны и не учтены.`,
  }[locale];
  return { icon: 'ℹ️', title, lines: [begins === 'none' ? none : since] };
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
        en: html`${named(name)}: ${share} uptime, ${howMany(incidents, 'outage', locale)}. Look at its host and network, or move its users.`,
        ru: html`${named(name)}: доступность ${share}, ${howMany(incidents, 'outage', locale)}. Проверьте хост и сеть или перенесите пользователей.`,
      }[locale];
    }
    case 'payments_fail':
      return {
        en: html`${shareText(finding.share, locale)} of payments fail. Compare with the payment provider's status and the checkout.`,
        ru: html`Доля неудачных платежей: ${shareText(finding.share, locale)}. Сверьтесь со статусом провайдера и формой оплаты.`,
      }[locale];
    case 'income_fell':
      return {
        en: html`Revenue in ${finding.currency} fell by ${percentText(-finding.percent, locale)}. Look whether a plan, a payment method or a node is the reason.`,
        ru: html`Выручка в ${finding.currency} упала на ${percentText(-finding.percent, locale)}. Проверьте тарифы, способы оплаты и узлы.`,
      }[locale];
    case 'more_leave':
      return {
        en: html`More users left (${numberText(finding.gone, locale)}) than came (${numberText(finding.came, locale)}). Look at reminders and undeliverable notifications.`,
        ru: html`Ушло (${numberText(finding.gone, locale)}) больше, чем пришло (${numberText(finding.came, locale)}). Проверьте напоминания и недоставленные уведомления.`,
      }[locale];
    case 'tasks_fail':
      return {
        en: html`${shareText(finding.share, locale)} of tasks fail, most often <code>${finding.task}</code>. See the dead letters.`,
        ru: html`С ошибкой завершается ${shareText(finding.share, locale)} задач, чаще всего <code>${finding.task}</code>. См. dead letters.`,
      }[locale];
    case 'undelivered':
      return {
        en: html`${shareText(finding.share, locale)} of notifications were given up, mostly <code>${finding.reason}</code>. See the given-up rows of notification_queue.`,
        ru: html`Доля недоставленных уведомлений: ${shareText(finding.share, locale)}, в основном <code>${finding.reason}</code>.`,
      }[locale];
    case 'unreachable':
      return {
        en: html`${shareText(finding.share, locale)} of the people written to cannot be reached: they blocked the bot or are gone. Look whether the bot writes too often.`,
        ru: html`Недоступных получателей: ${shareText(finding.share, locale)} — бот заблокирован или аккаунт удалён. Проверьте, не пишет ли бот слишком часто.`,
      }[locale];
    case 'slow_service':
      return {
        en: html`${serviceTitle(finding.service)} takes ${latencyText(finding.meanMs, locale)} on average. Look at its load.`,
        ru: html`${serviceTitle(finding.service)} отвечает в среднем за ${latencyText(finding.meanMs, locale)}. Проверьте нагрузку.`,
      }[locale];
    case 'days_missing':
      return {
        en: html`Figures are incomplete for ${howMany(finding.days, 'day', locale)}. Look whether worker, Redis and panel were up.`,
        ru: html`Неполные данные за ${howMany(finding.days, 'day', locale)}. Проверьте, работали ли воркер, Redis и панель.`,
      }[locale];
  }
}

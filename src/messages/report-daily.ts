import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import type { DayFigures } from './figures.ts';
import { durationText } from './monitoring.ts';
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
  unknown,
} from './report-lines.ts';
import { notificationSection, paymentSection, taskSection } from './report-sections.ts';

const NODES_LISTED = 5;
const INCIDENTS_LISTED = 10;
/** Below this, the traffic that is told may be far from what has flowed. */
const COVERED_WELL = 0.98;

export type DailyReport = {
  day: DayFigures;
  /** The days that end with it, oldest first, for the lines of blocks. */
  trends: { newUsers: (number | null)[]; bytes: (number | null)[] };
  /** Schedules that do not succeed any more, now; null = not known. */
  overdue: readonly string[] | null;
};

/** A day for the admins. What is not known is said to be so; `docs/figures.md` says what each figure counts. */
export function dailyReport({ day, overdue, trends }: DailyReport, locale: Locale): Html {
  const title = { en: 'Daily report', ru: 'Отчёт за день' }[locale];
  const sections = [
    userSection(day, trends.newUsers, locale),
    paymentSection(day.payments, locale),
    nodeSection(day, locale),
    trafficSection(day, trends.bytes, locale),
    incidentSection(day, locale),
    operationSection(day, locale),
    notificationSection(day.notifications, locale),
    taskSection(day.tasks, locale),
    ...overdueSections(overdue, locale),
    ...missingSections(day, locale),
  ];
  return join([html`📊 <b>${title}</b> ${day.date} (UTC)`, ...sections.map(section)], '\n\n');
}

function userSection({ users }: DayFigures, newUsers: readonly (number | null)[], locale: Locale): Section {
  const title = { en: 'Users', ru: 'Пользователи' }[locale];
  if (!users) return { icon: '👥', title, lines: [unknown(locale)] };
  const { at_end, churned, new: fresh } = users;
  const flow = {
    en: html`New: <b>${fresh}</b>, churned: <b>${churned}</b>`,
    ru: html`Новые: <b>${fresh}</b>, ушли: <b>${churned}</b>`,
  }[locale];
  const states = at_end
    ? {
        en: html`Active: <b>${count(at_end.active, locale)}</b> of ${count(at_end.total, locale)}; limited ${at_end.limited}, expired ${at_end.expired}, disabled ${at_end.disabled}`,
        ru: html`Активны: <b>${count(at_end.active, locale)}</b> из ${count(at_end.total, locale)}; лимит ${at_end.limited}, истекли ${at_end.expired}, отключены ${at_end.disabled}`,
      }[locale]
    : html`${{ en: 'By status', ru: 'По статусам' }[locale]}: ${unknown(locale)}`;
  const odd = at_end?.unreadable ?? 0;
  const unreadable =
    odd > 0 ? [{ en: html`Cannot be read: <b>${odd}</b>`, ru: html`Не удаётся прочитать: <b>${odd}</b>` }[locale]] : [];
  const spark = sparkline(newUsers);
  const line = html`${{ en: 'New by day', ru: 'Новые по дням' }[locale]}: ${spark}`;
  return { icon: '👥', title, lines: [flow, states, ...unreadable, ...(spark ? [line] : [])] };
}

function nodeSection({ uptime }: DayFigures, locale: Locale): Section {
  const title = { en: 'Node uptime', ru: 'Доступность нод' }[locale];
  if (!uptime || uptime.percent === null) return { icon: '🖥', title, lines: [unknown(locale)] };
  const weak = uptime.nodes
    .filter(({ percent }) => percent !== null && percent < 100)
    .sort((a, b) => a.percent! - b.percent!);
  const all = html`<b>${percentText(uptime.percent, locale)}</b> (${{ en: 'nodes', ru: 'нод' }[locale]}: ${uptime.nodes.length})`;
  const lines = listed(
    weak,
    NODES_LISTED,
    (node) => html`• ${named(node.name)}: ${percentText(node.percent!, locale)}, ${downFor(node.down_seconds, locale)}`,
    locale,
  );
  const unseen = uptime.nodes.filter(({ percent }) => percent === null).length;
  const unseenLine = { en: html`Not known: ${unseen} nodes`, ru: html`Нет данных по нодам: ${unseen}` }[locale];
  return { icon: '🖥', title, lines: [all, ...lines, ...(unseen > 0 ? [unseenLine] : [])] };
}

const downFor = (seconds: number, locale: Locale): string =>
  `${{ en: 'down', ru: 'простой' }[locale]} ${durationText(seconds * 1000, locale)}`;

function trafficSection({ bandwidth }: DayFigures, bytes: readonly (number | null)[], locale: Locale): Section {
  const title = { en: 'Traffic', ru: 'Трафик' }[locale];
  if (!bandwidth) return { icon: '📡', title, lines: [unknown(locale)] };
  const covered = {
    en: html`Samples cover ${shareText(bandwidth.coverage, locale)} of the time; what flowed in the rest is not known`,
    ru: html`Замеры покрывают ${shareText(bandwidth.coverage, locale)} времени; за остальное данных нет`,
  }[locale];
  const spark = sparkline(bytes);
  return {
    icon: '📡',
    title,
    lines: [
      html`<b>${bytesText(bandwidth.bytes, locale)}</b>${spark ? ` ${spark}` : ''}`,
      ...(bandwidth.coverage < COVERED_WELL ? [covered] : []),
      ...bandwidth.nodes
        .slice(0, NODES_LISTED)
        .map((node) => html`• ${named(node.name)}: ${bytesText(node.bytes, locale)}`),
    ],
  };
}

function incidentSection({ uptime }: DayFigures, locale: Locale): Section {
  const title = { en: 'Incidents', ru: 'Инциденты' }[locale];
  if (!uptime) return { icon: '🚨', title, lines: [unknown(locale)] };
  const ongoing = { en: 'not over by the end of the day', ru: 'к концу дня не устранён' }[locale];
  const lines = listed(
    uptime.incidents,
    INCIDENTS_LISTED,
    ({ began_at, ended_at, name }) => {
      const lasted = ended_at ? durationText(Date.parse(ended_at) - Date.parse(began_at), locale) : ongoing;
      return html`• ${began_at.slice(11, 16)} ${named(name)}: ${lasted}`;
    },
    locale,
  );
  return { icon: '🚨', title, lines: lines.length > 0 ? lines : [{ en: 'none', ru: 'нет' }[locale]] };
}

function operationSection({ admin_operations }: DayFigures, locale: Locale): Section {
  const title = { en: 'Admin operations', ru: 'Действия администраторов' }[locale];
  if (!admin_operations) return { icon: '🛠', title, lines: [unknown(locale)] };
  const lines = listed(
    Object.entries(admin_operations).sort(([, a], [, b]) => b - a),
    NODES_LISTED,
    ([action, n]) => html`• <code>${named(action)}</code>: ${n}`,
    locale,
  );
  return { icon: '🛠', title, lines: lines.length > 0 ? lines : [{ en: 'none', ru: 'нет' }[locale]] };
}

/** The dead man's switch. Silent while all is well. */
function overdueSections(overdue: readonly string[] | null, locale: Locale): Section[] {
  if (overdue?.length === 0) return [];
  const title = { en: 'Schedules that do not succeed any more', ru: 'Задачи по расписанию не выполняются' }[locale];
  const lines = overdue
    ? listed(overdue, NODES_LISTED * 2, (task) => html`• <code>${task}</code>`, locale)
    : [unknown(locale)];
  return [{ icon: '⏰', title, lines }];
}

const PARTS = {
  users: { en: 'users', ru: 'пользователи' },
  bandwidth: { en: 'traffic', ru: 'трафик' },
  uptime: { en: 'uptime and incidents', ru: 'доступность и инциденты' },
  payments: { en: 'revenue', ru: 'выручка' },
  admin_operations: { en: 'admin operations', ru: 'действия администраторов' },
  notifications: { en: 'notifications', ru: 'уведомления' },
  tasks: { en: 'tasks', ru: 'задачи' },
} as const satisfies Partial<Record<keyof DayFigures, Record<Locale, string>>>;

function missingSections(day: DayFigures, locale: Locale): Section[] {
  const missing = Object.entries(PARTS).filter(([part]) => day[part as keyof typeof PARTS] === null);
  if (missing.length === 0) return [];
  const title = { en: 'Not known', ru: 'Нет данных' }[locale];
  return [{ icon: 'ℹ️', title, lines: [missing.map(([, name]) => name[locale]).join(', ')] }];
}

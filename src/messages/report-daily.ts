import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { bytesText, durationText, howMany, numberText, percentText, shareText } from '../lib/quantities.ts';
import type { DayFigures } from './figures.ts';
import { listed, named, type Section, section, sparkline, unknown } from './report-lines.ts';
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
  /** Kept now; null = not known. */
  deadLetters: number | null;
  /** The worker was not there yet, or does not remember. */
  isBeforeFirst: boolean;
  /** Of whose days it is; UTC where absent. */
  zone?: string;
};

/** A day for the admins. An unknown figure is said to be unknown; `docs/figures.md` says what each figure counts. */
export function dailyReport(
  { day, deadLetters, isBeforeFirst, overdue, trends, zone = 'UTC' }: DailyReport,
  locale: Locale,
): Html {
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
    deadLetterSection(deadLetters, locale),
    ...missingSections(day, isBeforeFirst, locale),
  ];
  return join([html`📊 <b>${title}</b> ${day.date} (${zone})`, ...sections.map(section)], '\n\n');
}

function userSection({ users }: DayFigures, newUsers: readonly (number | null)[], locale: Locale): Section {
  const title = { en: 'Users', ru: 'Пользователи' }[locale];
  if (!users) return { icon: '👥', title, lines: [unknown(locale)] };
  const { at_end, churned, new: fresh } = users;
  const flow = {
    en: html`New: <b>${numberText(fresh, locale)}</b>, churned: <b>${numberText(churned, locale)}</b>`,
    ru: html`Новые: <b>${numberText(fresh, locale)}</b>, ушли: <b>${numberText(churned, locale)}</b>`,
  }[locale];
  const states = at_end
    ? {
        en: html`Active: <b>${numberText(at_end.active, locale)}</b> of ${numberText(at_end.total, locale)}; limited ${numberText(at_end.limited, locale)}, expired ${numberText(at_end.expired, locale)}, disabled ${numberText(at_end.disabled, locale)}`,
        ru: html`Активны: <b>${numberText(at_end.active, locale)}</b> из ${numberText(at_end.total, locale)}; лимит ${numberText(at_end.limited, locale)}, истекли ${numberText(at_end.expired, locale)}, отключены ${numberText(at_end.disabled, locale)}`,
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
  const title = { en: 'Node uptime', ru: 'Доступность узлов' }[locale];
  if (!uptime || uptime.percent === null) return { icon: '🖥', title, lines: [unknown(locale)] };
  const weak = uptime.nodes
    .filter(({ percent }) => percent !== null && percent < 100)
    .sort((a, b) => a.percent! - b.percent!);
  const all = html`<b>${percentText(uptime.percent, locale)}</b> (${howMany(uptime.nodes.length, 'node', locale)})`;
  const lines = listed(
    weak,
    NODES_LISTED,
    (node) => html`• ${named(node.name)}: ${percentText(node.percent!, locale)}, ${downFor(node.down_seconds, locale)}`,
    locale,
  );
  const unseen = uptime.nodes.filter(({ percent }) => percent === null).length;
  const unseenLine = {
    en: html`Not known: ${howMany(unseen, 'node', locale)}`,
    ru: html`Нет данных: ${howMany(unseen, 'node', locale)}`,
  }[locale];
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
    ([action, n]) => html`• <code>${named(action)}</code>: ${numberText(n, locale)}`,
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

/** Not of the day: what waits for somebody at the moment of the report. */
function deadLetterSection(deadLetters: number | null, locale: Locale): Section {
  const title = { en: 'Dead letters now', ru: 'Неудачи сейчас' }[locale];
  return { icon: '📮', title, lines: [deadLetters === null ? unknown(locale) : numberText(deadLetters, locale)] };
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

function missingSections(day: DayFigures, isBeforeFirst: boolean, locale: Locale): Section[] {
  const missing = Object.entries(PARTS).filter(([part]) => day[part as keyof typeof PARTS] === null);
  if (missing.length === 0) return [];
  const title = { en: 'Not known', ru: 'Нет данных' }[locale];
  const before = {
    en: 'The worker does not know this day: it was not running yet, or Redis has been emptied since.',
    ru: 'Этот день воркеру неизвестен: он ещё не работал, или Redis с тех пор очищен.',
  }[locale];
  const parts = missing.map(([, name]) => name[locale]).join(', ');
  return [{ icon: 'ℹ️', title, lines: [parts, ...(isBeforeFirst ? [before] : [])] }];
}

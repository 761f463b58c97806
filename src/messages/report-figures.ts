import { deliverySuccess, failureShare } from '../lib/figure-definitions.ts';
import type { Locale } from '../lib/locale.ts';
import type { DayFigures, WeekFigures } from './figures.ts';

/** What a day and a week both know. What each counts: `docs/figures.md`. */
type Figures = Pick<DayFigures | WeekFigures, 'notifications' | 'payments' | 'tasks'>;

/** One figure of reports, for the console and the API. */
export type ReportFigure = {
  name: string;
  label: Readonly<Record<Locale, string>>;
  /** `share`: from 0 to 1. `percent`: from 0 to 100. */
  unit: 'count' | 'bytes' | 'share' | 'percent';
  /** Null where it is not known. */
  ofDay(day: DayFigures): number | null;
  ofWeek(week: WeekFigures): number | null;
  /** The view that lists what it counts. */
  list: string;
};

const ofBoth = (read: (figures: Figures) => number | null | undefined): Pick<ReportFigure, 'ofDay' | 'ofWeek'> => ({
  ofDay: (day) => read(day) ?? null,
  ofWeek: (week) => read(week) ?? null,
});

/** In the order of the reports. */
export const REPORT_FIGURES: readonly ReportFigure[] = [
  {
    name: 'users_active',
    label: { en: 'Active users', ru: 'Активные пользователи' },
    unit: 'count',
    ofDay: ({ users }) => users?.at_end?.active ?? null,
    ofWeek: ({ users }) => users?.active ?? null,
    list: '/customers',
  },
  {
    name: 'users_new',
    label: { en: 'New users', ru: 'Новые пользователи' },
    unit: 'count',
    ofDay: ({ users }) => users?.new ?? null,
    ofWeek: ({ users }) => users?.new ?? null,
    list: '/customers',
  },
  {
    name: 'users_churned',
    label: { en: 'Churned users', ru: 'Ушедшие пользователи' },
    unit: 'count',
    ofDay: ({ users }) => users?.churned ?? null,
    ofWeek: ({ users }) => users?.churned ?? null,
    list: '/customers',
  },
  {
    name: 'payments_completed',
    label: { en: 'Completed payments', ru: 'Завершённые платежи' },
    unit: 'count',
    ...ofBoth(({ payments }) => payments?.total_count),
    list: '/payments?shown=all&status=completed',
  },
  {
    name: 'payments_failed',
    label: { en: 'Failed payments', ru: 'Неудачные платежи' },
    unit: 'count',
    ...ofBoth(({ payments }) => payments?.failed_count),
    list: '/payments?shown=all&status=failed',
  },
  {
    name: 'payments_pending',
    label: { en: 'Pending payments', ru: 'Ожидающие платежи' },
    unit: 'count',
    ...ofBoth(({ payments }) => payments?.pending_count),
    list: '/payments?shown=all&status=pending',
  },
  {
    name: 'messages_sent',
    label: { en: 'Messages sent', ru: 'Отправлено сообщений' },
    unit: 'count',
    ...ofBoth(({ notifications }) => notifications?.sent),
    list: '/messages?status=sent',
  },
  {
    name: 'messages_failed',
    label: { en: 'Messages given up', ru: 'Не доставлено сообщений' },
    unit: 'count',
    ...ofBoth(({ notifications }) => notifications?.failed),
    list: '/messages?status=failed',
  },
  {
    name: 'messages_unreachable',
    label: { en: 'Unreachable', ru: 'Недоступные получатели' },
    unit: 'count',
    ...ofBoth(({ notifications }) => notifications?.unreachable),
    list: '/messages?status=failed&reason=unreachable',
  },
  {
    name: 'messages_success',
    label: { en: 'Arrived of those that could', ru: 'Доставлено из возможного' },
    unit: 'share',
    ...ofBoth(({ notifications }) => notifications && deliverySuccess(notifications)),
    list: '/messages',
  },
  {
    name: 'traffic_bytes',
    label: { en: 'Traffic', ru: 'Трафик' },
    unit: 'bytes',
    ofDay: ({ bandwidth }) => bandwidth?.bytes ?? null,
    ofWeek: ({ bandwidth }) => bandwidth?.bytes ?? null,
    list: '/nodes',
  },
  {
    name: 'uptime_percent',
    label: { en: 'Node uptime', ru: 'Доступность узлов' },
    unit: 'percent',
    ofDay: ({ uptime }) => uptime?.percent ?? null,
    ofWeek: ({ uptime }) => uptime?.percent ?? null,
    list: '/nodes',
  },
  {
    name: 'incidents',
    label: { en: 'Node outages', ru: 'Сбои узлов' },
    unit: 'count',
    ofDay: ({ uptime }) => (uptime && uptime.percent !== null ? uptime.incidents.length : null),
    ofWeek: ({ uptime }) => (uptime && uptime.percent !== null ? uptime.incidents : null),
    list: '/alerts',
  },
  {
    name: 'tasks_succeeded',
    label: { en: 'Tasks done', ru: 'Задач выполнено' },
    unit: 'count',
    ...ofBoth(({ tasks }) => tasks?.succeeded),
    list: '/jobs?state=success&since=month',
  },
  {
    name: 'tasks_failed',
    label: { en: 'Tasks failed', ru: 'Задач с ошибкой' },
    unit: 'count',
    ...ofBoth(({ tasks }) => tasks?.failed),
    list: '/jobs?state=error&since=month',
  },
  {
    name: 'tasks_failure_share',
    label: { en: 'Share that failed', ru: 'Доля ошибок' },
    unit: 'share',
    ...ofBoth(({ tasks }) => tasks && failureShare(tasks)),
    list: '/jobs?state=error&since=month',
  },
];

/** The income of a time by currency, those with most payments first; undefined where it is not known. */
export function incomeIn({
  payments,
}: Figures): readonly { currency: string; count: number; total: string }[] | undefined {
  if (!payments) return undefined;
  return Object.entries(payments.by_currency)
    .map(([currency, { count, total }]) => ({ currency, count, total }))
    .sort((a, b) => b.count - a.count || (a.currency < b.currency ? -1 : 1));
}

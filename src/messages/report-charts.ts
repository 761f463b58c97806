import type { Locale } from '../lib/locale.ts';
import type { BarChart, Picture, ShareChart } from './charts/picture.ts';
import { byteUnit } from './charts/scale.ts';
import type { NodeUptime } from './figures.ts';
import { shortDay } from './report-lines.ts';

const NODES_DRAWN = 8;
const CURRENCIES_DRAWN = 3;

export type ReportCharts = {
  title: string;
  /** The days across, oldest first; every list below has as many entries. */
  days: readonly string[];
  newUsers: readonly (number | null)[];
  churned: readonly (number | null)[];
  /** By currency, the most important first, with an empty name where nobody paid in any; heights only. */
  income: readonly { currency: string; values: readonly (number | null)[] }[];
  bytes: readonly (number | null)[];
  nodes: readonly Pick<NodeUptime, 'name' | 'percent'>[];
};

const WORDS = {
  en: {
    users: 'Users',
    perDay: 'users per day',
    new: 'new',
    churned: 'churned',
    revenue: 'Revenue',
    aDay: 'per day',
    traffic: 'Traffic',
    uptime: 'Node uptime',
    ofTime: '% of the time',
    day: 'day (UTC)',
    days: 'days, UTC',
    worst: 'the weakest',
  },
  ru: {
    users: 'Пользователи',
    perDay: 'человек в день',
    new: 'новые',
    churned: 'ушли',
    revenue: 'Выручка',
    aDay: 'в день',
    traffic: 'Трафик',
    uptime: 'Доступность нод',
    ofTime: '% времени',
    day: 'день (UTC)',
    days: 'дней, UTC',
    worst: 'худшие',
  },
} as const;

/** The picture of a report: users, revenue by currency, traffic, uptime. */
export function reportPicture(charts: ReportCharts, locale: Locale): Picture {
  const words = WORDS[locale];
  const labels = charts.days.map(shortDay);
  const bars = (title: string, unit: string, series: BarChart['series'], isWhole = false): BarChart => ({
    kind: 'bars',
    ...{ title, unit, labels, series, isWhole },
    across: words.day,
  });
  const users = [
    { name: words.new, values: charts.newUsers },
    { name: words.churned, values: charts.churned },
  ];
  const income = charts.income.slice(0, CURRENCIES_DRAWN).map(({ currency, values }) => {
    return bars(words.revenue, `${currency} ${words.aDay}`.trim(), [{ name: currency, values }]);
  });
  const most = charts.bytes.reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  const scale = byteUnit(most);
  const bytes = charts.bytes.map((value) => (value === null ? null : value / scale.bytes));
  return {
    title: charts.title,
    subtitle: `${charts.days.length} ${words.days}`,
    locale,
    charts: [
      bars(words.users, words.perDay, users, true),
      ...income,
      bars(words.traffic, `${scale.unit} ${words.aDay}`, [{ name: words.traffic, values: bytes }]),
      uptimeChart(charts.nodes, words),
    ],
  };
}

function uptimeChart(nodes: ReportCharts['nodes'], words: (typeof WORDS)[Locale]): ShareChart {
  const weakest = [...nodes].sort((a, b) => (a.percent ?? 101) - (b.percent ?? 101));
  const unit = nodes.length > NODES_DRAWN ? `${words.ofTime}, ${words.worst} ${NODES_DRAWN}` : words.ofTime;
  return { kind: 'shares', title: words.uptime, unit, rows: weakest.slice(0, NODES_DRAWN) };
}

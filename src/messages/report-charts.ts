import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { byteUnit, howMany } from '../lib/quantities.ts';
import { drawnNames, type LegendEntry } from './charts/drawn-names.ts';
import type { BarChart, Picture, ShareChart } from './charts/picture.ts';
import type { NodeUptime } from './figures.ts';
import { named, shortDay } from './report-lines.ts';

const NODES_DRAWN = 8;
const CURRENCIES_DRAWN = 3;

export type ReportCharts = {
  /** Of whose days they are; UTC where absent. */
  zone?: string;
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
    day: 'day (%)',
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
    uptime: 'Доступность узлов',
    ofTime: '% времени',
    day: 'день (%)',
    worst: 'худшие',
  },
} as const;

/** The picture of a report: users, revenue by currency, traffic, uptime; and whose names it cannot hold. */
export function reportPicture(
  charts: ReportCharts,
  locale: Locale,
): { picture: Picture; legend: readonly LegendEntry[] } {
  const words = WORDS[locale];
  const { zone = 'UTC' } = charts;
  const labels = charts.days.map(shortDay);
  const bars = (title: string, unit: string, series: BarChart['series'], isWhole = false): BarChart => ({
    kind: 'bars',
    ...{ title, unit, labels, series, isWhole },
    across: words.day.replace('%', zone),
  });
  const users = [
    { name: words.new, values: charts.newUsers },
    { name: words.churned, values: charts.churned },
  ];
  const income = charts.income.slice(0, CURRENCIES_DRAWN).map(({ currency, values }) => {
    return bars(words.revenue, `${currency} ${words.aDay}`.trim(), [{ name: currency, values }]);
  });
  const most = charts.bytes.reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  const scale = byteUnit(most, locale);
  const bytes = charts.bytes.map((value) => (value === null ? null : value / scale.bytes));
  const { legend, uptime } = uptimeChart(charts.nodes, words, locale);
  const picture: Picture = {
    title: charts.title,
    subtitle: `${howMany(charts.days.length, 'day', locale)}, ${zone}`,
    locale,
    charts: [
      bars(words.users, words.perDay, users, true),
      ...income,
      bars(words.traffic, `${scale.unit} ${words.aDay}`, [{ name: words.traffic, values: bytes }]),
      uptime,
    ],
  };
  return { picture, legend };
}

/** The caption of a picture: its title, and below it the names that stand for others in it. At most 1024 characters, which Telegram takes. */
export function pictureCaption(title: string, legend: readonly LegendEntry[]): Html {
  const lines = legend.map(({ drawn, name }) => html`${drawn} – ${named(name)}`);
  return join([html`${title}`, ...lines], '\n');
}

function uptimeChart(
  nodes: ReportCharts['nodes'],
  words: (typeof WORDS)[Locale],
  locale: Locale,
): { uptime: ShareChart; legend: readonly LegendEntry[] } {
  const weakest = [...nodes].sort((a, b) => (a.percent ?? 101) - (b.percent ?? 101)).slice(0, NODES_DRAWN);
  const { drawn, legend } = drawnNames(
    weakest.map(({ name }) => name),
    locale,
  );
  const unit = nodes.length > NODES_DRAWN ? `${words.ofTime}, ${words.worst} ${NODES_DRAWN}` : words.ofTime;
  const rows = weakest.map(({ percent }, i) => ({ name: drawn[i]!, percent }));
  return { uptime: { kind: 'shares', title: words.uptime, unit, rows }, legend };
}

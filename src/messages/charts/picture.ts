import { type Html, html, join } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { percentText } from '../../lib/quantities.ts';
import { axisLabels, ticksUpTo, wholeTicksUpTo } from './scale.ts';

/** One value of each series for every label; null = not known, which is drawn as a question mark and never as zero. */
export type BarChart = {
  kind: 'bars';
  title: string;
  /** What the vertical axis counts. */
  unit: string;
  /** What the horizontal axis counts. */
  across: string;
  labels: readonly string[];
  series: readonly { name: string; values: readonly (number | null)[] }[];
  /** There is no half of it. */
  isWhole?: boolean;
};

/** Named values from 0 to 100, one bar below the other. */
export type ShareChart = {
  kind: 'shares';
  title: string;
  unit: string;
  rows: readonly { name: string; percent: number | null }[];
};

export type Picture = { title: string; subtitle: string; charts: readonly (BarChart | ShareChart)[]; locale: Locale };

/** Sizes in pixels; made for a phone, which shows the whole width on some 7 cm. */
const WIDTH = 1000;
const HEADER = 120;
const CHART = 340;
const ROW = 46;
const LEFT = 130;
const RIGHT = 30;
const TOP = 86;
const BOTTOM = 70;
const INK = '#1f2933';
const SOFT = '#52606d';
const GRID = '#d9e2ec';
const COLORS = ['#2563eb', '#ea580c'] as const;
const FONT = 'DejaVu Sans';

/** The whole picture as SVG, on white. Names come as `drawnNames` makes them; of others, what cannot be drawn is left out. */
export function pictureSvg(picture: Picture): string {
  const heights = picture.charts.map(heightOf);
  const height = HEADER + heights.reduce((sum, one) => sum + one, 0);
  const charts = picture.charts.map((chart, i) => {
    const y = HEADER + heights.slice(0, i).reduce((sum, one) => sum + one, 0);
    const body = chart.kind === 'bars' ? bars(chart, picture.locale) : shares(chart, picture.locale);
    return html`<g transform="translate(0 ${y})">${body}</g>`;
  });
  const size = html`width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`;
  return html`<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${FONT}"><rect width="100%" height="100%" fill="#ffffff"/>${text(30, 56, drawable(picture.title, 44), 38, { bold: true })}${text(30, 96, drawable(picture.subtitle, 70), 24, { fill: SOFT })}${join(charts, '')}</svg>`.toString();
}

const heightOf = (chart: BarChart | ShareChart): number =>
  chart.kind === 'bars' ? CHART : TOP + Math.max(1, chart.rows.length) * ROW + BOTTOM - 10;

function bars(chart: BarChart, locale: Locale): Html {
  const known = chart.series.flatMap(({ values }) => values.filter((value) => value !== null));
  const most = known.reduce((a, b) => Math.max(a, b), 0);
  const ticks = chart.isWhole ? wholeTicksUpTo(most) : ticksUpTo(most);
  const top = ticks.at(-1)!;
  const plot = { width: WIDTH - LEFT - RIGHT, height: CHART - TOP - BOTTOM };
  const y = (value: number): number => TOP + plot.height * (1 - value / top);
  const slot = plot.width / Math.max(1, chart.labels.length);
  const width = (slot * 0.72) / chart.series.length;

  const names = axisLabels(ticks, locale);
  const grid = ticks.map((tick, i) => {
    const label = text(LEFT - 12, y(tick) + 8, names[i]!, 22, { anchor: 'end', fill: SOFT });
    return html`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(tick)}" y2="${y(tick)}" stroke="${GRID}" stroke-width="2"/>${label}`;
  });
  const columns = chart.series.flatMap(({ values }, s) =>
    values.map((value, i) => {
      const x = LEFT + i * slot + slot * 0.14 + s * width;
      if (value === null)
        return s === 0 ? text(LEFT + (i + 0.5) * slot, y(0) - 8, '?', 26, { anchor: 'middle', fill: SOFT }) : html``;
      const height = Math.max(value > 0 ? 2 : 0, y(0) - y(value));
      return html`<rect x="${x}" y="${y(0) - height}" width="${width}" height="${height}" rx="3" fill="${COLORS[s % COLORS.length]!}"/>`;
    }),
  );
  const every = Math.ceil(chart.labels.length / 8);
  const labels = chart.labels.flatMap((label, i) => {
    const isShown = (chart.labels.length - 1 - i) % every === 0;
    return isShown
      ? [text(LEFT + (i + 0.5) * slot, CHART - BOTTOM + 30, label, 22, { anchor: 'middle', fill: SOFT })]
      : [];
  });
  const nothing = known.length === 0 ? [noData(TOP + plot.height / 2, locale)] : [];
  const axis = text(WIDTH - RIGHT, CHART - 12, chart.across, 20, { anchor: 'end', fill: SOFT });
  return join([heading(chart), legend(chart), ...grid, ...columns, ...labels, axis, ...nothing], '');
}

function shares(chart: ShareChart, locale: Locale): Html {
  const left = 330;
  const full = WIDTH - left - 150;
  const rows = chart.rows.map(({ name, percent }, i) => {
    const y = TOP + i * ROW;
    const label = text(left - 14, y + 26, drawable(name, 18), 24, { anchor: 'end' });
    const back = html`<rect x="${left}" y="${y + 4}" width="${full}" height="30" rx="4" fill="${GRID}"/>`;
    const bar = html`<rect x="${left}" y="${y + 4}" width="${(full * (percent ?? 0)) / 100}" height="30" rx="4" fill="${colorOf(percent)}"/>`;
    const value = percent === null ? '?' : percentText(percent, locale);
    return html`${label}${back}${bar}${text(left + full + 12, y + 28, value, 24)}`;
  });
  const nothing = chart.rows.length === 0 ? [noData(TOP + ROW / 2, locale)] : [];
  const end = TOP + Math.max(1, chart.rows.length) * ROW + 24;
  const axis = [0, 50, 100].map((tick) =>
    text(left + (full * tick) / 100, end, percentText(tick, locale), 20, { anchor: 'middle', fill: SOFT }),
  );
  return join([heading(chart), ...rows, ...axis, ...nothing], '');
}

/** Below two nines of availability somebody should look; below 95 % customers have. */
function colorOf(percent: number | null): string {
  if (percent === null) return GRID;
  if (percent >= 99) return '#16a34a';
  return percent >= 95 ? '#d97706' : '#dc2626';
}

const heading = (chart: { title: string; unit: string }): Html =>
  html`<line x1="30" x2="${WIDTH - RIGHT}" y1="8" y2="8" stroke="${GRID}" stroke-width="2"/><text x="30" y="52" font-size="30" fill="${INK}"><tspan font-weight="bold">${chart.title}</tspan><tspan fill="${SOFT}" font-size="24">, ${chart.unit}</tspan></text>`;

/** Only where there is more than one series to tell apart. */
function legend({ series }: BarChart): Html {
  if (series.length < 2) return html``;
  const entries = series.map(({ name }, i) => {
    const x = WIDTH - RIGHT - 190 * (series.length - i);
    return html`<rect x="${x}" y="32" width="22" height="22" rx="3" fill="${COLORS[i % COLORS.length]!}"/>${text(x + 32, 51, name, 22)}`;
  });
  return join(entries, '');
}

const noData = (y: number, locale: Locale): Html =>
  text(WIDTH / 2, y + 10, { en: 'no data', ru: 'нет данных' }[locale], 30, { anchor: 'middle', fill: SOFT });

function text(
  x: number,
  y: number,
  content: string,
  size: number,
  {
    anchor = 'start',
    bold = false,
    fill = INK,
  }: { anchor?: 'start' | 'middle' | 'end'; bold?: boolean; fill?: string } = {},
): Html {
  const weight = bold ? html` font-weight="bold"` : html``;
  return html`<text x="${x}" y="${y}" font-size="${size}" fill="${fill}" text-anchor="${anchor}"${weight}>${content}</text>`;
}

/** Without what the font has no picture for (emoji, flags) and what XML does not allow (control characters), cut to `most` characters. */
function drawable(name: string, most: number): string {
  const kept = name
    .replace(/[\p{C}\p{Extended_Pictographic}\p{Regional_Indicator}\p{M}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  const characters = [...kept];
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : kept || '—';
}

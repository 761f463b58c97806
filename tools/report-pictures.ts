/** `node tools/report-pictures.ts`: the pictures of a daily and a weekly report in `docs/images/`, of made-up days. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { renderPng } from '../src/domain/figures/render-chart.ts';
import { daysUpTo } from '../src/lib/utc-days.ts';
import { pictureSvg } from '../src/messages/charts/picture.ts';
import { type ReportCharts, reportPicture } from '../src/messages/report-charts.ts';

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url));
const TIB = 1024 ** 4;
/** A day of which users and traffic are not known. */
const UNKNOWN = null;

const CHARTS: Omit<ReportCharts, 'title'> = {
  days: daysUpTo('2026-03-15', 14),
  newUsers: [12, 15, 9, 18, 22, 25, 14, 13, 17, UNKNOWN, 21, 26, 29, 16],
  churned: [4, 5, 3, 6, 4, 7, 5, 6, 4, UNKNOWN, 5, 8, 6, 4],
  income: [
    { currency: 'USD', values: [42, 54, 30, 66, 90, 98, 48, 45, 60, 39, 84, 102, 114, 62] },
    {
      currency: 'RUB',
      values: [52, 41, 0, 73, 62, 94, 31, 52, 21, 31, 83, 104, 115, 62].map((thousands) => thousands * 1000),
    },
  ],
  bytes: [3.1, 3.3, 3, 3.4, 3.9, 4.6, 4.4, 3.2, 3.3, UNKNOWN, 3.6, 4.1, 4.8, 4.5].map((tib) =>
    tib === null ? null : tib * TIB,
  ),
  nodes: [
    { name: 'Frankfurt 2', percent: 58.33 },
    { name: 'Узел Алматы', percent: 96.4 },
    { name: '🇫🇮 Helsinki', percent: 99.93 },
    { name: '東京', percent: 100 },
    { name: 'Singapore', percent: null },
  ],
};

const REPORTS = [
  { name: 'daily-report', title: 'Daily report 2026-03-15', locale: 'en' },
  { name: 'weekly-report-ru', title: 'Отчёт за неделю 2026-03-09 – 2026-03-15', locale: 'ru' },
] as const;

for (const { locale, name, title } of REPORTS) {
  const { picture } = reportPicture({ ...CHARTS, title }, locale);
  await writeFile(`${FOLDER}${name}.png`, await renderPng(pictureSvg(picture)));
  console.log(`docs/images/${name}.png`);
}

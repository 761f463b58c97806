import { html, join } from '../../../src/lib/html.ts';
import { numberText } from '../../../src/lib/quantities.ts';
import { ticksUpTo } from '../../../src/messages/charts/scale.ts';
import type { Series, Verdict } from './series.ts';

const WIDTH = 1000;
const PANEL = 170;
const LEFT = 90;
const RIGHT = 30;
const TOP = 40;
const BOTTOM = 26;

/** One panel below the other, each from zero, so that growth is visible. */
export function plot(title: string, series: readonly Series[], verdicts: readonly Verdict[]): string {
  const height = 60 + series.length * PANEL;
  const panels = series.map((one, i) => panel(one, verdicts[i]!, 60 + i * PANEL));
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="DejaVu Sans, sans-serif" font-size="14" fill="#1f2933"><title>${title}</title><rect width="100%" height="100%" fill="#ffffff"/><text x="${LEFT}" y="36" font-size="20">${title}</text>${join(panels, '')}</svg>\n`.toString();
}

function panel({ name, points, unit }: Series, { isFlat, rise }: Verdict, y: number) {
  const ticks = ticksUpTo(Math.max(...points.map(({ value }) => value), 0));
  const top = ticks.at(-1)!;
  const start = points[0]?.atMs ?? 0;
  const span = Math.max(1, (points.at(-1)?.atMs ?? 0) - start);
  const at = (value: number): number => round(PANEL - BOTTOM - (value / top) * (PANEL - TOP - BOTTOM));
  const x = (atMs: number): number => round(LEFT + ((atMs - start) / span) * (WIDTH - LEFT - RIGHT));
  const grid = ticks.map(
    (tick) =>
      html`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(tick)}" y2="${at(tick)}" stroke="#d9e2ec"/><text x="${LEFT - 8}" y="${at(tick) + 5}" text-anchor="end" font-size="12">${numberText(tick, 'en')}</text>`,
  );
  const line = points.map(({ atMs, value }) => `${x(atMs)},${at(value)}`).join(' ');
  const said = `${name}, ${unit}: line rises by ${numberText(rise, 'en')} over the run${isFlat ? '' : ', NOT FLAT'}`;
  const end = `${Math.round(span / 60_000)} min`;
  return html`<g transform="translate(0 ${y})"><text x="${LEFT}" y="26">${said}</text>${join(grid, '')}<polyline points="${line}" fill="none" stroke="${isFlat ? '#2563eb' : '#dc2626'}" stroke-width="2"/><text x="${WIDTH - RIGHT}" y="${PANEL - 6}" text-anchor="end" font-size="12">${end}</text></g>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

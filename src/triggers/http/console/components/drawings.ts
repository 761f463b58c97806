import { type Html, html, join } from '../../../../lib/html.ts';
import type { Tone } from './states.ts';

/** Units of a drawing; the style sheet gives it its size. */
const WIDTH = 100;
const HEIGHT = 24;

/** A line without axes. Undefined values are gaps: unknown is not zero. `name` says what it shows, with its figures. */
export function trendLine(values: readonly (number | undefined)[], name: string): Html {
  const known = values.filter((value) => value !== undefined);
  const most = Math.max(...known, Number.MIN_VALUE);
  const step = WIDTH / Math.max(1, values.length - 1);
  const lines: string[][] = [[]];
  values.forEach((value, i) => {
    if (value === undefined) {
      if (lines.at(-1)!.length > 0) lines.push([]);
    } else lines.at(-1)!.push(`${round(i * step)},${round(HEIGHT - (value / most) * (HEIGHT - 2) - 1)}`);
  });
  const drawn = lines
    .filter((points) => points.length > 0)
    // A single point is drawn as a short stroke, which a line of one point is not.
    .map((points) => html`<polyline points="${(points.length === 1 ? [points[0]!, points[0]!] : points).join(' ')}"/>`);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${name}">${join(drawn, '')}</svg>`;
}

export type HeatCell = { label: string; tone: Tone | 'none' };

/** A row of days, or of anything else, each with its colour and its label. `name` says what the whole shows. */
export function heatMap(cells: readonly HeatCell[], name: string): Html {
  const drawn = cells.map(
    ({ label, tone }, i) =>
      html`<rect class="heat ${tone}" x="${i * 10}" y="0" width="8" height="20" rx="2"><title>${label}</title></rect>`,
  );
  return html`<svg class="heatmap" viewBox="0 0 ${cells.length * 10} 20" preserveAspectRatio="xMinYMid meet" role="img" aria-label="${name}">${join(drawn, '')}</svg>`;
}

const round = (value: number): number => Math.round(value * 100) / 100;

import { type DeliveryTotals, deliverySuccess, deliveryTotals, NORMAL } from '../../../../lib/figure-definitions.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { numberText, percentText } from '../../../../lib/quantities.ts';
import type { Page } from '../define-view.ts';
import type { NowWord } from './words.ts';

/** Units of the drawing; the style sheet gives it its size. */
const WIDTH = 100;
const HEIGHT = 30;
/** The share at the bottom of the drawing: what is below it is drawn there. */
const LOWEST = 0.9;

/** What a span of time shows: its totals, and the totals of each step in it. */
export type DeliverySpan = { word: NowWord; steps: readonly DeliveryTotals[] };

/** For each span the share that arrived, its course, and the promised line. */
export function deliveryFigures(spans: readonly DeliverySpan[], page: Page<NowWord>): Html {
  const { locale, say } = page;
  const drawn = spans.map(({ steps, word }) => {
    const totals = deliveryTotals(steps);
    const success = deliverySuccess(totals);
    const text = success === null ? '–' : percentText(success * 100, locale);
    const [sent, failed, unreachable] = [totals.sent, totals.failed, totals.unreachable].map((n) =>
      numberText(n, locale),
    );
    const isBad = success !== null && success < NORMAL.deliverySuccess;
    const details = say('sent', sent!, failed!, unreachable!);
    return html`<div class="tile${isBad ? ' bad' : ''}"><dt>${say(word)}</dt><dd>${text}${course(steps, `${say('success', text)}. ${details}`)}<span class="muted small">${details}</span></dd></div>`;
  });
  return html`<dl class="tiles">${join(drawn, '')}</dl><p class="muted small">${say('line', percentText(NORMAL.deliverySuccess * 100, locale))}</p>`;
}

/** Steps in which nothing could arrive are gaps: unknown is not zero. */
function course(steps: readonly DeliveryTotals[], name: string): Html {
  const lines: string[][] = [[]];
  steps.forEach((step, i) => {
    const success = deliverySuccess(step);
    if (success === null) {
      if (lines.at(-1)!.length > 0) lines.push([]);
      return;
    }
    const width = WIDTH / steps.length;
    lines.at(-1)!.push(`${round(i * width)},${height(success)} ${round((i + 1) * width)},${height(success)}`);
  });
  const drawn = lines
    .filter((points) => points.length > 0)
    .map((points) => html`<polyline points="${points.join(' ')}"/>`);
  const line = height(NORMAL.deliverySuccess);
  return html`<svg class="spark" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${name}"><line class="limit" x1="0" x2="${WIDTH}" y1="${line}" y2="${line}"/>${join(drawn, '')}</svg>`;
}

const height = (share: number): number =>
  round(1 + (HEIGHT - 2) * (1 - (Math.max(LOWEST, share) - LOWEST) / (1 - LOWEST)));
const round = (value: number): number => Math.round(value * 100) / 100;

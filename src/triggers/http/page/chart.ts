import { deliverySuccess, deliveryTotals } from '../../../lib/figure-definitions.ts';
import { type Html, html, join } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { numberText, percentText } from '../../../lib/quantities.ts';
import type { Overview } from '../api/overview.ts';
import type { View } from './parts.ts';
import type { Say } from './texts.ts';

type Minute = Overview['deliveries'][number];

/** Units of the drawing; the style sheet gives it its size. */
const BAR = 10;
const GAP = 2;
const HEIGHT = 100;

/** Deliveries of the last hour: a bar for each minute, and below it the share that arrived. */
export function deliveryChart(minutes: readonly Minute[], { locale, say }: Pick<View, 'locale' | 'say'>): Html {
  const { failed: gaveUp, sent: arrived } = deliveryTotals(minutes);
  const total = gaveUp + arrived;
  if (total === 0) return html`<p class="muted">${say('noDeliveries')}</p>`;
  const most = roundAbove(Math.max(...minutes.map(({ failed, sent }) => sent + failed)));
  const width = minutes.length * BAR;
  const bars = minutes.map((minute, i) => bar(minute, i, most, say));
  const first = minutes[0]!.minute;
  const last = minutes.at(-1)!.minute;
  return html`<figure class="chart">
<div class="scale"><span>${numberText(most, locale)}</span><span>${say('perMinute')}</span></div>
<svg class="bars" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${say('deliveries')}: ${numberText(total, locale)}">
<line class="grid" x1="0" y1="${HEIGHT / 2}" x2="${width}" y2="${HEIGHT / 2}"/>${join(bars, '')}</svg>
<div class="scale"><span>${percentText(100, locale)}</span><span>${say('share')}</span></div>
<svg class="rate" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${say('successRate')}: ${successText(deliverySuccess(deliveryTotals(minutes)), locale)}">
${join(
  rateLines(minutes).map((points) => html`<polyline points="${points}"/>`),
  '',
)}</svg>
<div class="scale"><time datetime="${first}">${clock(first)}</time><time datetime="${last}">${clock(last)} UTC</time></div>
</figure>`;
}

/** As `deliverySuccess` defines it; unknown where nothing could arrive. */
export function successText(success: number | null, locale: Locale): string {
  return success === null ? '–' : percentText(success * 100, locale);
}

function bar({ failed, minute, sent, unreachable }: Minute, i: number, most: number, say: Say): Html {
  const x = i * BAR + GAP / 2;
  const sentHeight = round((sent / most) * HEIGHT);
  const failedHeight = round((failed / most) * HEIGHT);
  const title = `${clock(minute)} UTC: ${sent} ${say('sent')}, ${failed} ${say('gaveUp')}, ${unreachable} ${say('unreachable')}`;
  return html`<g><title>${title}</title><rect class="hover" x="${i * BAR}" y="0" width="${BAR}" height="${HEIGHT}"/><rect class="sent" x="${x}" y="${HEIGHT - sentHeight}" width="${BAR - GAP}" height="${sentHeight}"/><rect class="failed" x="${x}" y="${HEIGHT - sentHeight - failedHeight}" width="${BAR - GAP}" height="${failedHeight}"/></g>`;
}

/** One line for each run of minutes in which something was sent: a minute without is unknown, not zero. */
function rateLines(minutes: readonly Minute[]): string[] {
  const lines: string[][] = [[]];
  minutes.forEach(({ failed, sent }, i) => {
    const success = deliverySuccess({ failed, sent });
    if (success === null) {
      if (lines.at(-1)!.length > 0) lines.push([]);
      return;
    }
    const y = round(HEIGHT - success * HEIGHT);
    lines.at(-1)!.push(`${i * BAR},${y} ${(i + 1) * BAR},${y}`);
  });
  return lines.filter((points) => points.length > 0).map((points) => points.join(' '));
}

/** A round number above all bars that leaves them most of the height. */
function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [1, 1.5, 2, 3, 4, 5, 8, 10].map((step) => step * power).find((step) => step >= value)!;
}

const clock = (at: string): string => at.slice(11, 16);
const round = (value: number): number => Math.round(value * 100) / 100;

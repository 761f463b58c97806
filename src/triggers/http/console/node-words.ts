import { days } from '../../../lib/duration.ts';
import type { Locale } from '../../../lib/locale.ts';
import { durationText, percentText } from '../../../lib/quantities.ts';
import { intervalOfDay } from '../../../lib/utc-days.ts';
import type { NodeDay } from '../../../repositories/history/incidents.ts';
import type { MaintenanceWindow } from '../../../repositories/history/maintenance-rows.ts';
import type { NodeRecord } from '../../../repositories/redis/monitoring/node-health-store.ts';
import type { HeatCell } from './components/drawings.ts';
import type { Tone } from './components/states.ts';
import type { Text } from './define-view.ts';

export const NODE_STATES: Readonly<Record<NodeRecord['status'], { tone: Tone; text: Text }>> = {
  offline: { tone: 'bad', text: { en: 'offline', ru: 'недоступен' } },
  warning: { tone: 'warn', text: { en: 'unstable', ru: 'нестабилен' } },
  maintenance: { tone: 'calm', text: { en: 'maintenance', ru: 'обслуживание' } },
  online: { tone: 'good', text: { en: 'online', ru: 'работает' } },
};

/** A day below this share is red; less than a whole day, but above it, is amber. */
const BAD_SHARE = 0.95;
/** A minute that is missing at the edge of a look does not make a day amber. */
const WHOLE_SHARE = 0.999;

/** One cell for each day; a day without a record is empty: unknown is not down. */
export function heatOf(
  known: readonly NodeDay[],
  { count, from, windows = [] }: { from: Date; count: number; windows?: readonly MaintenanceWindow[] },
  locale: Locale,
): HeatCell[] {
  const byDay = new Map(known.map((one) => [one.day, one]));
  return Array.from({ length: count }, (_, i) => {
    const day = new Date(from.getTime() + days(i)).toISOString().slice(0, 10);
    const record = byDay.get(day);
    const { from: begin, to: end } = intervalOfDay(day);
    const isMaintained = windows.some(({ beginsAt, endsAt }) => beginsAt < end && endsAt > begin);
    const maintained = isMaintained ? `, ${NODE_STATES.maintenance.text[locale]}` : '';
    if (!record) return { label: `${day}: ?${maintained}`, tone: 'none' };
    const share = shareOf([record]);
    const down =
      record.downMs > 0 ? `, ${{ en: 'down', ru: 'простой' }[locale]} ${durationText(record.downMs, locale)}` : '';
    const tone = share >= WHOLE_SHARE ? 'good' : share >= BAD_SHARE ? 'warn' : 'bad';
    return { label: `${day}: ${percentText(share * 100, locale)}${down}${maintained}`, tone };
  });
}

/** The share of the known time in which it served; a dash where nothing is known. */
export const uptimeText = (known: readonly NodeDay[], locale: Locale): string =>
  known.length === 0 ? '–' : percentText(shareOf(known) * 100, locale);

function shareOf(known: readonly NodeDay[]): number {
  const up = known.reduce((sum, { upMs }) => sum + Number(upMs), 0);
  const down = known.reduce((sum, { downMs }) => sum + Number(downMs), 0);
  return up + down === 0 ? 1 : up / (up + down);
}

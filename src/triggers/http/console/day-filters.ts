import { z } from 'zod';
import { days } from '../../../lib/duration.ts';
import type { Filter } from './components/filters.ts';
import type { Page } from './define-view.ts';

const Day = z.iso.date().optional();

/** The first and the last day of a list, at the reader's clock: fields of a view's query. */
export const DayQuery = { from: Day, to: Day };

type Days = { from?: string | undefined; to?: string | undefined };

/** The moments from which and before which these days lie; undefined where a day is not given. */
export function daysAsked({ from, to }: Days, { clock }: Page): { from: Date | undefined; to: Date | undefined } {
  const start = (day: string): Date | undefined => clock.instant(`${day}T00:00`);
  const after = (day: string): string => new Date(Date.parse(day) + days(1)).toISOString().slice(0, 10);
  return { from: from ? start(from) : undefined, to: to ? start(after(to)) : undefined };
}

/** The two fields of the filter form. */
export const dayFilters = ({ from, to }: Days, { say }: Page): readonly Filter[] => [
  { kind: 'day', name: 'from', label: say('fromDay'), value: from },
  { kind: 'day', name: 'to', label: say('toDay'), value: to },
];

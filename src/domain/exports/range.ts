import { z } from 'zod';
import { days } from '../../lib/duration.ts';
import type { ExportRange } from '../../repositories/export-rows.ts';

const boundary = z.union([z.iso.date(), z.iso.datetime({ offset: true, local: true })]).nullable();

/** Includes the first date, excludes the second; a plain day as the second is included whole. A time without a zone is UTC. */
export const DateRange = z
  .array(boundary)
  .length(2)
  .refine(
    (range) => {
      const { from, to } = rangeOf(range);
      return !from || !to || from < to;
    },
    { error: 'must begin before it ends' },
  );

/** The moments that a range of dates stands for. */
export function rangeOf(given: readonly (string | null)[] | null | undefined): ExportRange {
  const [from = null, to = null] = given ?? [];
  return {
    from: from === null ? undefined : momentOf(from),
    to: to === null ? undefined : new Date(momentOf(to).getTime() + (isDay(to) ? days(1) : 0)),
  };
}

const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text);

const momentOf = (text: string): Date =>
  new Date(isDay(text) ? `${text}T00:00:00Z` : /(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);

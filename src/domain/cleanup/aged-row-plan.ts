import type { PlannedLine } from '../../lib/planned-line.ts';
import type { HeapWalk, RowVersion } from '../../repositories/heap-walk.ts';

/** Rows read together. */
const GROUP = 1_000;

type AgedRow = Pick<RowVersion, 'createdAt' | 'id'>;

/** What the clean-up of rows does to each. */
export const DELETES_ROWS = { delete: { en: 'delete the row', ru: 'удалить строку' } } as const;

/** The rows that a clean-up would delete, as a plan. */
export async function* agedRowPlan(walk: HeapWalk): AsyncGenerator<{ steps: readonly AgedRow[] }> {
  for await (const steps of walk.all(GROUP)) yield { steps };
}

/** A row by its id, with the time at which it was made. */
export const rowLine = ({ createdAt, id }: AgedRow): PlannedLine<'delete'> => ({
  effect: 'delete',
  subject: id,
  detail: createdAt.toISOString(),
});

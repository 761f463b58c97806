import { forEachAtMost } from '../lib/async-iteration.ts';
import type { PlannedLine } from '../lib/planned-line.ts';
import type { Planned, PlannedGroup } from './define-task.ts';

/** Subjects that are looked at at once, where a line needs a look. */
const LOOKS_AT_ONCE = 8;

/** The lines of a group in the order of its steps. */
export async function plannedLinesOf<Group extends PlannedGroup>(
  { lineOf }: Pick<Planned<Group>, 'lineOf'>,
  { steps }: Group,
): Promise<readonly PlannedLine[]> {
  const lines: PlannedLine[] = [];
  await forEachAtMost(steps.entries(), LOOKS_AT_ONCE, async ([i, step]) => {
    lines[i] = await lineOf(step);
  });
  return lines;
}

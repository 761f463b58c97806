import type { z } from 'zod';
import { addCounts } from '../lib/add-counts.ts';
import type { PlannedLine } from '../lib/planned-line.ts';
import type { Services } from '../services.ts';
import type { AnyTask, MassPlan, Result, RunContext } from './define-task.ts';
import { plannedLinesOf } from './planned-lines.ts';

/** Lines in the result; the file has all. */
const SAMPLE = 20;
/** The task that lists what `task` would do. A version that does not have it leaves its jobs to one that has. */
export const dryRunName = (task: string): string => `${task}_dry_run`;

/**
 * The dry run of a task: its plan, written into a list. It has the services of the task, and none of what happens around the task's own
 * runs: no schedule, no retry, no alert and no last words.
 */
export function dryRunOf(task: AnyTask & { readonly mass: MassPlan }): AnyTask {
  const { args, mass, name, needs, payload, queue, summary } = task;
  return {
    name: dryRunName(name),
    queue,
    summary: { en: `Dry run: ${summary.en}`, ru: `Пробный запуск: ${summary.ru}` },
    payload: (payload as z.ZodObject).omit({ dry_run: true }),
    ...(args && { args }),
    retry: { delaysMs: [], exhausted: 'log' },
    timeLimitMs: 'none',
    counts: { would_touch: 'Subjects that the run would act on' },
    needs: [...needs, 'plannedLists'],
    run: (given: unknown, context: RunContext & Pick<Services, 'plannedLists'>) => listed(name, mass, given, context),
  } as unknown as AnyTask;
}

async function listed(
  task: string,
  mass: MassPlan,
  payload: unknown,
  context: RunContext & Pick<Services, 'plannedLists'>,
): Promise<Result> {
  const counts: Record<string, number> = {};
  const effects: Record<string, number> = {};
  const sample: PlannedLine[] = [];
  let touched = 0;
  async function* noted(): AsyncGenerator<readonly PlannedLine[]> {
    const planned = mass.plan(payload, context);
    for await (const group of planned.groups()) {
      context.alive();
      context.signal.throwIfAborted();
      addCounts(counts, group.counts);
      const lines = await plannedLinesOf(planned, group);
      for (const line of lines) {
        effects[line.effect] = (effects[line.effect] ?? 0) + 1;
        if (!mass.effects[line.effect]?.isLeft) touched += 1;
        if (sample.length < SAMPLE) sample.push(line);
      }
      if (lines.length > 0) yield lines;
    }
    await context.confirmHeld();
  }
  const list = await context.plannedLists.write(context.jobId, noted(), context);
  return { dry_run: true, task, would_touch: touched, effects, counts, sample, list };
}

import { z } from 'zod';
import type { DefinedTask } from '../lib/defined-task.ts';
import type { PlannedLine } from '../lib/planned-line.ts';
import type { Receipt } from '../lib/receipt.ts';
import type { Services } from '../services.ts';
import {
  defineTask,
  type Effect,
  type MassPlan,
  type Planned,
  type PlannedGroup,
  type Result,
  type RunContext,
  type Task,
} from './define-task.ts';
import { plannedLinesOf } from './planned-lines.ts';

export type MassTask<
  P extends z.ZodObject,
  Count extends string,
  Need extends keyof Services,
  Group extends PlannedGroup,
  Name extends string,
> = Omit<Task<P, Count, Need>, 'run'> & {
  /** What a step may do, by the word that its line has. */
  readonly effects: Readonly<Record<Name, Effect>>;
  /** What a run that begins now would touch, group by group. Changes nothing anywhere: a dry run is nothing else. */
  plan(payload: z.output<P>, context: RunContext<P> & Pick<Services, Need>): AsyncIterable<Group>;
  /** A step as a line of a list. It may look at the subject where `plan` has no need to. */
  show(
    step: Group['steps'][number],
    payload: z.output<P>,
    context: RunContext<P> & Pick<Services, Need>,
  ): PlannedLine<NoInfer<Name>> | Promise<PlannedLine<NoInfer<Name>>>;
  /** Does the plan, and nothing to anybody whom the plan does not name. It notes its acts in its receipt. */
  run(
    payload: z.output<P>,
    context: RunContext<P> & Pick<Services, Need>,
    planned: Planned<Group> & { readonly receipt: Receipt },
  ): Promise<Readonly<Record<NoInfer<Count>, number>> & Result>;
};

const DRY_RUN = {
  dry_run: z
    .boolean()
    .default(false)
    .describe(
      'Lists what the run would do, with counts, a sample of twenty and the whole list as a file. Nothing is changed',
    ),
};

/**
 * Defines a task whose run acts on many subjects, in two steps: what it would touch, and the doing of it. The payload gets the field
 * `dry_run`. The run, the brake's list and the dry run read the same plan.
 * The run has a receipt, which is the same for all attempts of a job.
 */
export function defineMassTask<
  P extends z.ZodObject,
  C extends string,
  N extends keyof Services,
  G extends PlannedGroup,
  E extends string,
>(task: MassTask<P, C, N, G, E>): Task<P, C, N | 'receipts'> & DefinedTask<P> & { readonly mass: MassPlan } {
  const { effects, plan, run, show, ...rest } = task;
  type Context = RunContext<P> & Pick<Services, N>;
  const planOf = (payload: z.output<P>, context: Context): Planned<G> => {
    const lineOf: Planned<G>['lineOf'] = (step) => show(step, payload, context);
    const groups = (): AsyncIterable<G> => plan(payload, context);
    return {
      groups,
      lineOf,
      async *lines() {
        for await (const group of groups()) yield await plannedLinesOf({ lineOf }, group);
      },
    };
  };
  const mass: MassPlan = {
    effects,
    // The engine has parsed the payload and gives the services that the task needs.
    plan: (payload, context) => planOf(payload as z.output<P>, context as Context),
  };
  const defined = defineTask<P, C, N | 'receipts'>({
    ...rest,
    // No task dispatches a dry run, so the type that they see does not have the field.
    payload: rest.payload.extend(DRY_RUN) as z.ZodObject as P,
    needs: [...rest.needs, 'receipts'],
    async run(payload, context) {
      const receipt = context.receipts.open(context);
      let isOver = false;
      try {
        const result = await run(payload, context, { ...planOf(payload, context), receipt });
        isOver = true;
        return result;
      } finally {
        await receipt.close(isOver);
      }
    },
  });
  return { ...defined, mass };
}

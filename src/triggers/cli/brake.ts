import { ANSWERS_LISTED, type BrakesContext, brakeAnswerBody, brakeAnswers, decideBrake, heldBody } from '../brakes.ts';
import { rowCursor } from '../row-cursor.ts';
import {
  type Command,
  type CommandArgs,
  type Output,
  type PersonContext,
  table,
  UsageError,
  wordAt,
} from './command.ts';

/** The effects that are held and wait for an admin's decision, and the answers that were given. */
export type BrakeContext = PersonContext & BrakesContext;

export const brakeCommands: readonly Command<BrakeContext>[] = [
  {
    name: 'brake',
    usage: '[confirm NAME DECISION | answers NAME]',
    maxWords: 3,
    summary:
      'List what is held until an admin decides, decide, or see what was answered, by whom and until when it holds',
    async run(args, context, output) {
      const [verb] = args.words;
      if (verb === undefined) return await list(context, output);
      if (verb === 'confirm') return await confirm(args, context, output);
      if (verb === 'answers') return await answers(args, context, output);
      throw new UsageError(`brake can list, confirm and answers, not '${verb}'`);
    },
  },
];

async function list({ brakes }: BrakeContext, { print }: Output): Promise<number> {
  const held = await brakes.list();
  const lines = held.flatMap(({ decisions, held: what, list: file, messagesDueBefore: due, name, since }) => [
    `${name}: ${what.en}${since ? `, held since ${since.toISOString()}` : ''}`,
    ...(file ? [`  would touch ${file.rows}, listed at ${file.at.toISOString()} as the export ${file.exportId}`] : []),
    ...(due ? [`  task-worker messages --status pending --to ${due.toISOString()}`] : []),
    ...decisions.map((decision) => `  task-worker brake confirm ${name} ${decision}`),
  ]);
  print(held.map(heldBody), held.length === 0 ? ['Nothing is held.'] : lines);
  return 0;
}

async function confirm(args: CommandArgs, context: BrakeContext, { print }: Output): Promise<number> {
  const [name, decision] = [wordAt(args, 1, 'The name of the brake'), wordAt(args, 2, 'The decision')];
  const decided = await decideBrake(context, name, decision);
  if (decided.kind === 'unknown')
    throw new UsageError(`Nothing is held under '${name}'; \`task-worker brake\` lists what is`);
  if (decided.kind === 'wrong')
    throw new UsageError(`${name} can be decided as ${decided.decisions.join(' or ')}, not '${decision}'`);
  await context.record(decided.act);
  print({ done: decided.done }, [decided.done]);
  return 0;
}

async function answers(args: CommandArgs, context: BrakeContext, { print }: Output): Promise<number> {
  const name = wordAt(args, 1, 'The name of the brake');
  const found = await brakeAnswers(context, name, { limit: ANSWERS_LISTED });
  const rows = found.answers.map(({ at, by, decision, done, holdsUntil }) => [
    ...[at.toISOString(), by ?? '', decision, holdsUntil?.toISOString() ?? '', done ?? ''],
  ]);
  const lines = table([['AT', 'BY', 'DECISION', 'HOLDS UNTIL', 'WHAT WAS DONE'], ...rows]);
  const next = rowCursor(found.next);
  if (next !== undefined) lines.push(`There are older ones: task-worker audit --action brake. --subject ${name}`);
  print(found.answers.map(brakeAnswerBody), rows.length === 0 ? [`Nothing was answered to ${name}.`] : lines);
  return 0;
}

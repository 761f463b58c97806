import type { OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { Drift } from '../../repositories/schema-check.ts';
import { type Command, type Output, table, UsageError, wordAt } from './command.ts';

export type SchemaContext = {
  checkSchema(): Promise<readonly Drift[]>;
  /** The statements that give a role the privileges that the worker needs, and no others: on the platform's tables, and in our own schema. For tables that are missing they are comments. */
  grantsFor(role: string): Promise<{ platform: readonly string[]; own: readonly string[] }>;
  /** Makes our own schema, or brings it up to date. Answers the steps that were missing. */
  install(): Promise<readonly string[]>;
  ownSchema(): Promise<OwnSchemaState>;
};

export const schemaCommand: Command<SchemaContext> = {
  name: 'schema',
  usage: 'check | grants <role> | install',
  maxWords: 2,
  summary:
    'Compare our table models with the live database (exit code 1 where a task would fail), print what a role needs, or make our own schema for history',
  async run(args, context, output) {
    const verb = wordAt(args, 0, 'What to do with the schema: check, grants or install');
    if (verb === 'check') return await check(context, output);
    if (verb === 'grants') return grants(context, wordAt(args, 1, 'The name of the role'), output);
    if (verb === 'install') return await install(context, output);
    throw new UsageError(`schema can be checked, installed, or say its grants, not '${verb}'`);
  },
};

async function check(context: SchemaContext, { print }: Output): Promise<number> {
  const drifts = [...(await context.checkSchema()), ...ownDrift(await context.ownSchema())];
  print(drifts, report(drifts));
  return drifts.some(({ severity }) => severity === 'error') ? 1 : 0;
}

async function grants(context: SchemaContext, role: string, { print }: Output): Promise<number> {
  const { own, platform } = await context.grantsFor(role);
  print([...platform, ...own], [...platform, '-- After task-worker schema install, for history:', ...own]);
  return 0;
}

async function install(context: SchemaContext, { print }: Output): Promise<number> {
  const steps = await context.install();
  const done =
    steps.length === 0
      ? 'The schema task_worker is there and up to date: nothing to do.'
      : `Done: ${steps.join(', ')}. Workers that run keep history from now on, within a minute.`;
  const rights = 'If the worker connects as another role: task-worker schema grants <role> prints what that needs.';
  print({ installed: steps }, steps.length === 0 ? [done] : [done, rights]);
  return 0;
}

/** The drift of our own schema; none where it is not installed, as no task needs it. */
function ownDrift(state: OwnSchemaState): Drift[] {
  const drift = (problem: string): Drift[] => [{ severity: 'warning', table: 'task_worker', problem }];
  if (state.kind === 'older')
    return drift(
      `The schema task_worker lacks ${state.missing.join(', ')}, so history is not kept; run task-worker schema install`,
    );
  if (state.kind === 'no_rights')
    return drift(`The role lacks rights in the schema task_worker, so history is not kept; ${state.grants.join(' ')}`);
  return [];
}

/** Errors first, then warnings, each with its table, and then the number of both. */
function report(drifts: readonly Drift[]): string[] {
  if (drifts.length === 0)
    return ['The database fits: every table, column, type and index that queries need is there.'];
  const errors = drifts.filter(({ severity }) => severity === 'error');
  const warnings = drifts.filter(({ severity }) => severity === 'warning');
  return [
    ...table([...errors, ...warnings].map(({ problem, severity }) => [severity, problem])),
    '',
    `${counted(errors.length, 'error')}: tasks will fail. ${counted(warnings.length, 'warning')}: they work, more slowly or with less.`,
  ];
}

const counted = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

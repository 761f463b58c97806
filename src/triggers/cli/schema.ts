import type { Drift } from '../../repositories/schema-check.ts';
import { type Command, table, UsageError, wordAt } from './command.ts';

export type SchemaContext = {
  checkSchema(): Promise<readonly Drift[]>;
  /** The statements that give a role the privileges that the worker needs, and no others. */
  grantsFor(role: string): readonly string[];
};

export const schemaCommand: Command<SchemaContext> = {
  name: 'schema',
  usage: 'check | grants <role>',
  maxWords: 2,
  summary:
    'Compare our table models with the live database (exit code 1 where a task would fail), or print what a role needs',
  async run(args, context, { print }) {
    const verb = wordAt(args, 0, 'What to do with the schema: check or grants');
    if (verb === 'grants') {
      const grants = context.grantsFor(wordAt(args, 1, 'The name of the role'));
      print(grants, grants);
      return 0;
    }
    if (verb !== 'check') throw new UsageError(`schema can be checked, or say its grants, not '${verb}'`);
    const drifts = await context.checkSchema();
    print(drifts, report(drifts));
    return drifts.some(({ severity }) => severity === 'error') ? 1 : 0;
  },
};

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

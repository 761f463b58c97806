import type { z } from 'zod';

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/**
 * Says to the sender of a value why it is invalid: `is missing, must be a number`, `must be one of csv, json, xlsx`. Pass it to a parse as
 * its `error`. A schema's own message goes first, and an issue without words here keeps those of zod. The text never holds the value.
 */
export function issueInWords(issue: z.core.$ZodRawIssue): string | undefined {
  const must = `must ${requirement(issue) ?? ''}`;
  if (must === 'must ') return undefined;
  return issue.input === undefined ? `is missing, ${must}` : must;
}

/** Where a problem is, and what is wrong there. */
export type IssueInWords = { path: readonly PropertyKey[]; message: string };

/** A name in a path may be any text that was sent. */
const NAME_SHOWN = 100;

/** The issues of a failed parse. Of a choice it says what is wrong within the one that the value comes nearest, else all that it may be. */
export function issuesInWords(issues: readonly z.core.$ZodIssue[]): IssueInWords[] {
  return issues.flatMap((issue) =>
    within(issue).map(({ message, path }) => ({
      message,
      path: path.map((name) => (typeof name === 'string' ? name.slice(0, NAME_SHOWN) : name)),
    })),
  );
}

function within(issue: z.core.$ZodIssue): IssueInWords[] {
  const choices = issue.code === 'invalid_union' ? issue.errors.filter((branch) => branch.length > 0) : [];
  if (choices.length === 0) return [issue];
  const nearest = choices.find((branch) => branch.every(({ path }) => path.length > 0));
  if (nearest) return nearest.flatMap(within).map(({ message, path }) => ({ message, path: [...issue.path, ...path] }));
  const messages = new Set(choices.map((branch) => within(branch[0]!)[0]!.message));
  return [{ path: issue.path, message: [...messages].join(', or ') }];
}

function requirement(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return typeRequired(issue);
    case 'invalid_value':
      return `be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return limit(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum);
    case 'too_big':
      return limit(issue.origin, issue.inclusive === false ? 'less than' : 'at most', issue.maximum);
    default:
      return undefined;
  }
}

function typeRequired({ expected, input }: z.core.$ZodRawIssue<z.core.$ZodIssueInvalidType>): string | undefined {
  const type = TYPES[expected];
  if (type === undefined) return undefined;
  const given = input === null ? 'null' : Array.isArray(input) ? 'a list' : TYPES[typeof input];
  // NaN instead of a number and 1.5 instead of a whole number both have the type number.
  const isOfThatType = typeof input === 'number' && (expected === 'number' || expected === 'int');
  return given === undefined || isOfThatType ? `be ${type}` : `be ${type}, not ${given}`;
}

function limit(origin: string, howMuch: string, bound: number | bigint): string | undefined {
  const count = Number(bound);
  if (origin === 'number' || origin === 'int') return `be ${howMuch} ${bound}`;
  if (origin === 'string') return `have ${howMuch} ${count} ${count === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `have ${howMuch} ${count} ${count === 1 ? 'entry' : 'entries'}`;
  return undefined;
}

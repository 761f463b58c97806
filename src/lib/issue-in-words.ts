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
 * What is wrong with a value, for whoever sent it: `is missing, must be a number`, `must be one of csv, json, xlsx`. Given to a parse as
 * its `error`; what a schema says itself goes before it, and what has no words here is said in zod's. The value is never in it.
 */
export function issueInWords(issue: z.core.$ZodRawIssue): string | undefined {
  const must = `must ${requirement(issue) ?? ''}`;
  if (must === 'must ') return undefined;
  return issue.input === undefined ? `is missing, ${must}` : must;
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
  // NaN where a number should be and 1.5 where a whole one should are both numbers.
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

import { expect, test } from 'vitest';
import { z } from 'zod';
import { issueInWords, issuesInWords } from './issue-in-words.ts';

const said = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value, { error: issueInWords }).error?.issues.map(({ message }) => message);

test.each<[z.ZodType, unknown, string]>([
  [z.number(), undefined, 'is missing, must be a number'],
  [z.string(), 7, 'must be text, not a number'],
  [z.int(), 'x', 'must be a number, not text'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.coerce.number(), 'ninety', 'must be a number'],
  [z.boolean(), null, 'must be true or false, not null'],
  [z.array(z.string()), {}, 'must be a list, not an object'],
  [z.record(z.string(), z.unknown()), [1], 'must be an object, not a list'],
  [z.enum(['csv', 'json']), 'pdf', 'must be one of csv, json'],
  [z.enum(['csv', 'json']), undefined, 'is missing, must be one of csv, json'],
  [z.literal('go'), 'stay', 'must be go'],
  [z.number().min(5), 4, 'must be at least 5'],
  [z.number().lt(5), 5, 'must be less than 5'],
  [z.int().positive(), 0, 'must be more than 0'],
  [z.string().min(1), '', 'must have at least 1 character'],
  [z.array(z.int()).max(2), [1, 2, 3], 'must have at most 2 entries'],
])('%# says what a value must be', (schema, value, words) => {
  expect(said(schema, value)).toEqual([words]);
});

test('leaves to a schema what it says itself, and to zod what has no words here', () => {
  expect(said(z.string().regex(/^a/, { error: 'must begin with a' }), 'b')).toEqual(['must begin with a']);
  expect(said(z.uuid(), 'no')).toEqual(['Invalid UUID']);
  expect(said(z.date(), 'no')).toEqual(['Invalid input: expected date, received string']);
});

const choice = z.object({ users: z.union([z.literal('all'), z.array(z.union([z.string().min(1), z.int()]))]) });

test.each<[what: string, value: unknown, path: PropertyKey[], words: string]>([
  ['within the choice that it comes nearest', ['a', ''], ['users', 1], 'must have at least 1 character'],
  ['of all that it may be', 7, ['users'], 'must be all, or must be a list, not a number'],
  ['that it is missing', undefined, ['users'], 'is missing, must be all, or is missing, must be a list'],
])('says of a choice what is wrong %s', (_, users, path, message) => {
  const { error } = choice.safeParse({ users }, { error: issueInWords });
  expect(issuesInWords(error!.issues)).toEqual([{ path, message }]);
});

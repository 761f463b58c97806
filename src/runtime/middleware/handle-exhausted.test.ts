import { expect, test } from 'vitest';
import { days } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { lastAttempt } from '../../testing/last-attempt.ts';
import { handleExhausted } from './handle-exhausted.ts';

const fails = async (): Promise<never> => {
  throw new Error('no answer');
};
const databaseIsAway = async (): Promise<never> => {
  throw new Error('database away');
};
const endOf = (onExhausted: () => Promise<void>, ageMs: number): Promise<unknown> =>
  handleExhausted({}, async () => undefined)(lastAttempt({ onExhausted, ageMs }), fails).catch(
    (error: unknown) => error,
  );

test('a job whose end cannot be saved anywhere does not end: it is run again', async () => {
  const end = await endOf(databaseIsAway, 0);
  expect(end).toBeInstanceOf(SnoozeError);
  expect(end).toMatchObject({ delayMs: 15_000 });
});

test('it is not run again forever: after a day it ends as it failed', async () => {
  expect(await endOf(databaseIsAway, days(1))).toMatchObject({ message: 'no answer' });
});

test('a job whose end is saved ends', async () => {
  expect(await endOf(async () => undefined, 0)).toMatchObject({ message: 'no answer' });
});

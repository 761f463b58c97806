import { expect, test } from 'vitest';
import { days, minutes, seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { lastAttempt } from '../../testing/last-attempt.ts';
import { outliveOutages } from './outlive-outages.ts';

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const endOf = (error: Error, changes: Parameters<typeof lastAttempt>[0]): Promise<unknown> =>
  outliveOutages(lastAttempt(changes), () => Promise.reject(error)).catch((end: unknown) => end);

test.each([
  coded('57P01'),
  coded('08006'),
  coded('ECONNREFUSED'),
  new Error('Connection terminated unexpectedly'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Connection is closed.'),
  new Error('wrapped', { cause: coded('ECONNRESET') }),
])('long work goes on later where a server was away, for at most a day: %s', async (error) => {
  const snoozed = { name: 'SnoozeError', delayMs: seconds(5) };
  expect(await endOf(error, { timeLimitMs: 'none' })).toMatchObject(snoozed);
  expect(await endOf(error, { timeLimitMs: 'none', ageMs: minutes(10) })).toMatchObject({ delayMs: minutes(1) });
  expect(await endOf(error, { timeLimitMs: 'none', ageMs: days(1) })).toBe(error);
});

test('other work has retries of its own', async () => {
  const error = coded('57P01');
  expect(await endOf(error, {})).toBe(error);
});

test.each([coded('23505'), coded('42703'), new TransientError('storage_failed', 'no space')])(
  'what is no outage ends long work: %s',
  async (error) => {
    expect(await endOf(error, { timeLimitMs: 'none' })).toBe(error);
  },
);

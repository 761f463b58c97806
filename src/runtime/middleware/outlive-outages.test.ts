import { expect, test } from 'vitest';
import { days, hours, seconds } from '../../lib/duration.ts';
import { TransientError } from '../../lib/errors.ts';
import { lastAttempt } from '../../testing/last-attempt.ts';
import { outliveOutages } from './outlive-outages.ts';

const coded = (code: string): Error => Object.assign(new Error(code), { code });
const endOf = (error: Error, changes: Parameters<typeof lastAttempt>[0]): Promise<unknown> =>
  outliveOutages(lastAttempt(changes), () => Promise.reject(error)).catch((end: unknown) => end);

const AWAY = [
  coded('57P01'),
  coded('08006'),
  coded('ECONNREFUSED'),
  new Error('Connection terminated unexpectedly'),
  new Error('timeout exceeded when trying to connect'),
  new Error('Connection is closed.'),
  new Error('wrapped', { cause: coded('ECONNRESET') }),
];

test.each(AWAY)('a job goes on soon where a server was away, for at most a day: %s', async (error) => {
  for (const timeLimitMs of ['none', seconds(30)] as const) {
    expect(await endOf(error, { timeLimitMs })).toMatchObject({ name: 'SnoozeError', delayMs: seconds(2) });
    expect(await endOf(error, { timeLimitMs, ageMs: hours(20) })).toMatchObject({ delayMs: seconds(5) });
    expect(await endOf(error, { timeLimitMs, ageMs: days(1) })).toBe(error);
  }
});

test('an outside service that is away has the retries of the task', async () => {
  const error = new TransientError('remnawave_unreachable', 'no panel', { cause: coded('ECONNREFUSED') });
  expect(await endOf(error, {})).toBe(error);
});

test('a short task by hand ends with the error; long work goes on', async () => {
  const error = coded('57P01');
  expect(await endOf(error, { isQueued: false })).toBe(error);
  expect(await endOf(error, { isQueued: false, timeLimitMs: 'none' })).toMatchObject({ name: 'SnoozeError' });
});

test.each([coded('23505'), coded('42703'), new TransientError('storage_failed', 'no space')])(
  'what is no outage ends the run: %s',
  async (error) => {
    for (const timeLimitMs of ['none', seconds(30)] as const) expect(await endOf(error, { timeLimitMs })).toBe(error);
  },
);

import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { said } from '../lib/said.ts';
import { examined } from './examination.ts';

const about = {
  group: 'Outside services',
  name: 'Remnawave token',
  advice: 'check REMNAWAVE_API_TOKEN; it must be an API token of this panel',
};
const SILENT = `is it up, not too busy, and can it be reached from here? If so, ${about.advice}`;

/** As `fetch` does: it ends with the reason of the signal. */
const untilAborted = async (signal: AbortSignal): Promise<never> => {
  await delay(60_000, undefined, { signal });
  throw new Error('not reached');
};

test.each([
  ['a call that ends with the limit', untilAborted, 'no answer within 0.03 s', SILENT],
  ['a call that hears of no limit', () => new Promise<never>(() => undefined), 'no answer within 0.03 s', SILENT],
  [
    'a client with a limit of its own',
    async () => {
      throw new Error('remnawave GET /api/users/:id: no answer within 10 ms');
    },
    'remnawave GET /api/users/:id: no answer within 10 ms',
    SILENT,
  ],
  [
    'a refusal',
    async () => {
      throw new Error('remnawave GET /api/users/:id: 401 Unauthorized');
    },
    'remnawave GET /api/users/:id: 401 Unauthorized',
    about.advice,
  ],
])('%s is told as what it is, with advice that fits', async (_, examine, finding, advice) => {
  expect(await examined({ ...about, examine }, 30)).toEqual({
    ...{ group: about.group, name: about.name, level: 'failed', finding, advice },
  });
});

test('advice about silence is Russian to the end', () => {
  expect(said(SILENT, 'ru')).toMatch(
    /^работает ли, не перегружено ли и доступно ли отсюда\? Если да: [^a-z]*REMNAWAVE_API_TOKEN/,
  );
});

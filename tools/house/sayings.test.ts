import { expect, test } from 'vitest';
import { said } from '../../src/lib/said.ts';
import { shownSentences } from './sayings.ts';
import { sources } from './sources.ts';

/** What a person types is the same in every language. */
const COMMANDS: ReadonlySet<string> = new Set(['task-worker schema install', 'ACL SETUSER {} +info']);

/** With Russian in it, and without three English words in a row. A command in it may be longer. */
const isRussian = (text: string): boolean =>
  /[а-яё]/i.test(text) &&
  !/\b[a-z']{2,}(?: [a-z']{2,}){2}/i.test(text.replaceAll(/task-worker(?: [a-z-]+)+|ALTER ROLE[^;]*|CONFIG SET/g, ''));

test('every sentence that pages show, wherever it is written, is there in Russian too', async () => {
  const shown = shownSentences(await sources());
  expect(shown.length).toBeGreaterThan(200);
  const english = shown.filter(
    ({ text }) => /[a-z]{3}/.test(text) && !COMMANDS.has(text) && !isRussian(said(text, 'ru')),
  );
  expect(english.map(({ text, where }) => `${where} ${text}`)).toEqual([]);
});

test('a sentence that is only English is found in a problem, a finding, an advice, a payload and a check', () => {
  const value = ['$', '{what}'].join('');
  const planted = new Map([
    ['triggers/http/api/a.ts', `throw new Problem('not-found', \`There is no ${value} here today.\`);`],
    [
      'app/doctor/b.ts',
      `export const b = { advice: 'ask somebody', examine: () => warning(\`odd: ${value}\`, c ? 'go' : 'stay') };`,
    ],
    ['tasks/bulk/c.ts', "z.string().describe('What it is');"],
    ['domain/bulk/d.ts', "ok('of another room');"],
    ['tasks/bulk/e.ts', "z.string().regex(/x/, { error: 'must be x' }); send({ error: reason });"],
  ]);
  expect(shownSentences(planted).map(({ text }) => text)).toEqual([
    ...['There is no {} here today.', 'ask somebody', 'odd: {}', 'go', 'stay', 'What it is', 'must be x'],
  ]);
});

test('a sentence is said with its values, words in it too, and names stay', () => {
  expect(said('There is no payment a1.', 'ru')).toBe('Платежа a1 нет.');
  expect(said('There is no payment a1.', 'en')).toBe('There is no payment a1.');
  expect(said('telegram_id: is missing, must be a number; text: must be text, not a list', 'ru')).toBe(
    'telegram_id: не хватает, ожидается число; text: ожидается текст, а не список',
  );
  expect(said('on, with 2 tokens', 'ru')).toBe('включено, токенов: 2');
  expect(said('502 Bad Gateway', 'ru')).toBe('502 Bad Gateway');
});

test('one thing has one word in Russian: a node is «узел»', async () => {
  const other = /(?<![а-яё])нод(?:[аеуы]|ой|ам|ах|ами)?(?![а-яё])/i;
  const found = [...(await sources())].filter(([, text]) => other.test(text)).map(([path]) => path);
  expect(found).toEqual([]);
});

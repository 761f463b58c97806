import { describe, expect, test } from 'vitest';
import { loginProblem } from './url-login.ts';

const CODES = { '%': '%25', '#': '%23', '/': '%2F', '?': '%3F' };

describe.each(['postgresql', 'redis', 'rediss', 'redis+sentinel', 'smtp'])('%s://', (scheme) => {
  test.each(Object.entries(CODES))(
    'a %s in a password is named with what to write, and nothing else of it',
    (character, code) => {
      for (const password of [
        `se${character}cret`,
        `12${character}zz`,
        `${character}x`,
        `x${character}`,
        `a@b${character}c`,
      ]) {
        const problem = loginProblem(`${scheme}://user:${password}@host:5432/db`);
        expect(problem).toBe(`has a ${character} in its user or password that stands for itself: write it as ${code}`);
      }
      expect(loginProblem(`${scheme}://user:se${code}cret@host:5432/db?x=y`)).toBeUndefined();
    },
  );

  test('nothing is wrong with', () => {
    for (const rest of [
      'host/0',
      'host:1/0?x=a@b',
      'user:p@host/0?x=a@b',
      ':p@h',
      'u:p@h1:1,h2:2/m/0',
      'u@h/db?host=/run/pg',
    ])
      expect(loginProblem(`${scheme}://${rest}`)).toBeUndefined();
  });
});

test('what is no URL has no login', () => {
  expect(loginProblem('host:5432')).toBeUndefined();
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorFingerprint, errorPattern } from './error-fingerprint.ts';

describe('the pattern of an error', () => {
  test.each([
    [
      'payments: there is no payment 0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b11; was it rolled back?',
      'payments: there is no payment <id>; was it rolled back?',
    ],
    [
      'broadcast b-1: 17 of 5,000 messages are still to be sent',
      'broadcast b-<n>: <n> of <n> messages are still to be sent',
    ],
    ['connect ECONNREFUSED 10.0.0.5:6379', 'connect ECONNREFUSED <n>'],
    ['the user "Иван 5" is unknown', 'the user <value> is unknown'],
    ["telegram: chat 'x' doesn't exist, isn't it", "telegram: chat <value> doesn't exist, isn't it"],
    ['node deadbeef01 is away, cafe is not', 'node <id> is away, cafe is not'],
    ['digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 'digest <id>'],
    ['no values at all', 'no values at all'],
    ['', ''],
  ])('of %j is %j', (text, pattern) => {
    expect(errorPattern(text)).toBe(pattern);
  });

  test('is the same whatever the values are', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(), fc.stringMatching(/^[^"\n]{0,40}$/), (id, n, quoted) => {
        const of = (a: string, b: number, c: string): string =>
          errorFingerprint('x', `user ${a}: ${b} of "${c}" failed`);
        expect(of(id, n, quoted)).toBe(of('0b3e7c1a-8d3e-4a87-9a55-0f6a1f9c2b11', 1, 'x'));
      }),
    );
  });

  test('differs by the class of the error, and by its words', () => {
    expect(errorFingerprint('a', 'text')).not.toBe(errorFingerprint('b', 'text'));
    expect(errorFingerprint('a', 'text')).not.toBe(errorFingerprint('a', 'other'));
  });

  test('takes no longer for hostile text', () => {
    const hostile = [`'`.repeat(5_000), `"${'a'.repeat(5_000)}`, 'f'.repeat(5_000), '1.'.repeat(5_000)];
    const startedAt = performance.now();
    for (const text of hostile) errorPattern(text);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

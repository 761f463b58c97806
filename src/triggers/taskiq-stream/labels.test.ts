import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageOptions, parseLabels } from './labels.ts';

describe('labels get the types back that they had in Python', () => {
  test.each([
    ['any', 1, "{'cron': '* * * * *'}", "{'cron': '* * * * *'}"],
    ['int', 2, '-42', -42],
    ['text', 3, '42', '42'],
    ['float', 4, '1e-07', 1e-7],
    ['bool', 5, 'True', true],
    ['bool', 5, 'False', false],
    ['bytes, which JSON cannot hold, stay base64', 6, 'AAEC', 'AAEC'],
    ['an int beyond 2^53 stays text', 2, '9007199254740993', '9007199254740993'],
    ['an infinite float stays text', 4, 'inf', 'inf'],
    ['an int that is none stays text', 2, 'many', 'many'],
    ['a type that taskiq does not have', 7, 'x', 'x'],
  ])('%s', (_, type, text, expected) => {
    expect(parseLabels({ label: text }, { label: type })).toEqual({ label: expected });
  });

  test('without types they are left as they are', () => {
    const labels = { a: '1', b: 2, c: null, d: [true] };
    expect(parseLabels(labels, undefined)).toEqual(labels);
    expect(parseLabels(labels, null)).toEqual(labels);
    expect(parseLabels(labels, { z: 2 })).toEqual(labels);
  });

  test('integers survive the way through text', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (n) => {
        expect(parseLabels({ n: String(n) }, { n: 2 })).toEqual({ n });
      }),
    );
  });
});

describe('labels that are honoured', () => {
  test('seconds become milliseconds', () => {
    expect(messageOptions({ timeout: 1.5, delay: 10 })).toEqual({ timeoutMs: 1500, delayMs: 10_000, unusable: [] });
  });

  test('numbers may be text, as the backend may send them', () => {
    const labels = { priority: '5', timeout: '30', max_retries: '0', retry_policy: 'payments', queue: 'email' };
    expect(messageOptions(labels)).toEqual({
      priority: 5,
      timeoutMs: 30_000,
      maxRetries: 0,
      retryPolicy: 'payments',
      queue: 'email',
      unusable: [],
    });
  });

  test('None means absent', () => {
    expect(messageOptions({ timeout: 'None', delay: null })).toEqual({ unusable: [] });
  });

  test('unknown labels ask for nothing', () => {
    expect(messageOptions({ schedule_id: 'x', _retry_count: '1', constructor: 'y' })).toEqual({ unusable: [] });
  });

  test.each([
    ['priority', 'high'],
    ['priority', 1.5],
    ['priority', -1],
    ['priority', 2_097_153],
    ['timeout', 0],
    ['timeout', 'soon'],
    ['timeout', 25 * 24 * 3600],
    ['delay', -5],
    ['delay', Number.NaN],
    ['retry_policy', 7],
    ['queue', ''],
    ['max_retries', true],
  ])('%s: %j has no effect and is reported', (name, value) => {
    expect(messageOptions({ [name]: value })).toEqual({ unusable: [name] });
  });
});

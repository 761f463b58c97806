import { expect, test } from 'vitest';
import { BreakerOpenError, errorCode, errorMessage, TransientError } from './errors.ts';

test('every error has a code that fits a metric label', () => {
  expect(errorCode(new TransientError('panel_timeout', 'slow'))).toBe('panel_timeout');
  expect(errorCode(Object.assign(new Error('x'), { code: '57P01' }))).toBe('57P01');
  expect(errorCode(Object.assign(new Error('x'), { code: 'no label, this' }))).toBe('Error');
  expect(errorCode(new TypeError('x'))).toBe('TypeError');
  expect(errorCode('thrown text')).toBe('unknown');
  expect(errorCode(new BreakerOpenError('telegram'))).toBe('breaker_open');
});

test('anything thrown has a message', () => {
  expect(errorMessage(new Error('a'))).toBe('a');
  expect(errorMessage(7)).toBe('7');
});

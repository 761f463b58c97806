import { describe, expect, test } from 'vitest';
import { PermanentError } from '../lib/errors.ts';
import { describeError, masker } from './log.ts';

describe('secrets', () => {
  test('are masked wherever they stand, plain or percent-encoded', () => {
    const mask = masker(['s3cr3t/pass', '123:token']);
    expect(mask('postgresql://u:s3cr3t%2Fpass@db and s3cr3t/pass, /bot123:token/getMe')).toBe(
      'postgresql://u:***@db and ***, /bot***/getMe',
    );
  });

  test('are masked as JSON writes them', () => {
    const secret = 'quo"te\\slash';
    expect(masker([secret])(JSON.stringify({ msg: `with ${secret}` }))).toBe('{"msg":"with ***"}');
  });

  test('that contain each other leave no rest', () => {
    expect(masker(['abcdef', 'abcdefgh'])('abcdefgh')).toBe('***');
  });

  test('too short to be one are not masked, or every line would be unreadable', () => {
    expect(masker(['1', ''])('a 1 b')).toBe('a 1 b');
  });
});

test('an error is described by name, code, message and causes, and by none of its other fields', () => {
  const cause = Object.assign(new Error('socket'), { code: 'ECONNRESET', request: { authorization: 'Bearer x' } });
  const described = describeError(new PermanentError('refused', 'panel said no', { cause }));
  expect(described).toMatchObject({
    type: 'PermanentError',
    code: 'refused',
    message: 'panel said no',
    cause: { code: 'ECONNRESET', message: 'socket' },
  });
  expect(JSON.stringify(described)).not.toContain('Bearer');
  expect(describeError('text')).toEqual({ message: 'text' });
});

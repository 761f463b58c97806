import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../lib/errors.ts';
import { PayloadReader } from './payload.ts';

const task = {
  name: 'send_notification',
  payload: z.object({ telegram_id: z.int(), message: z.string(), urgent: z.boolean().optional() }),
  args: ['telegram_id', 'message'],
  fieldAliases: { chat_id: 'telegram_id', text: 'message' },
};
const read = (args: unknown[], kwargs: Record<string, unknown>, of = task) =>
  new PayloadReader().read(of, { args, kwargs });

test('positional arguments follow the declared order, the others go by name, all are coerced', () => {
  expect(read(['11', 'hi'], { urgent: 'True' })).toEqual({ telegram_id: 11, message: 'hi', urgent: true });
});

test('names that older producers send are ours after it, and coerced as ours', () => {
  expect(read([], { chat_id: '11', text: 5 })).toEqual({ telegram_id: 11, message: '5' });
});

test('unknown names are kept for the dispatcher to leave out', () => {
  expect(read([1], { other: '1' })).toEqual({ telegram_id: 1, other: '1' });
});

describe('arguments that fit no parameter are refused', () => {
  test('more positional arguments than declared', () => {
    expect(() => read([1, 'hi', true], {})).toThrow(PermanentError);
    expect(() => read([1, 'hi', true], {})).toThrow(
      'The arguments of send_notification do not fit: 3 positional arguments were given, it takes 2 (telegram_id, message); give the others by name.',
    );
  });

  test('any positional argument of a task that declares none', () => {
    const { args: _, ...bare } = task;
    expect(() => new PayloadReader().read(bare, { args: [1], kwargs: {} })).toThrow('it takes none');
  });

  test('one that is given by position and by name', () => {
    expect(() => read([1], { telegram_id: 2 })).toThrow('telegram_id was given twice');
    expect(() => read([], { chat_id: 1, telegram_id: 2 })).toThrow('telegram_id was given twice');
  });
});

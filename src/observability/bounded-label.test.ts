import { expect, test } from 'vitest';
import { BoundedLabel } from './bounded-label.ts';

test('the first values keep their names, all further ones are other', () => {
  const label = new BoundedLabel(2);
  expect(['info', 'growth:invite', 'late', 'info'].map((value) => label.of(value))).toEqual([
    'info',
    'growth:invite',
    'other',
    'info',
  ]);
});

test.each(['', 'user 17', '<b>', 'x'.repeat(51), '17', 'a\nb'])('%j is no label', (value) => {
  expect(new BoundedLabel(10).of(value)).toBe('other');
});

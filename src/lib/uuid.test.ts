import { expect, test } from 'vitest';
import { uuidFrom } from './uuid.ts';

test('the same name always gives the same valid UUID, another name another', () => {
  expect(uuidFrom('job:1')).toBe(uuidFrom('job:1'));
  expect(uuidFrom('job:1')).not.toBe(uuidFrom('job:2'));
  expect(uuidFrom('x')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

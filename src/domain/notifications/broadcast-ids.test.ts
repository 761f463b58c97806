import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { broadcastRange, broadcastRowId } from './broadcast-ids.ts';

const chat = fc.maxSafeInteger();

test('the same chat has the same row in a broadcast, another chat another', () => {
  fc.assert(
    fc.property(fc.string(), chat, chat, (broadcast, one, other) => {
      const id = broadcastRowId(broadcast, one);
      expect(z.uuid().safeParse(id).success).toBe(true);
      expect(id === broadcastRowId(broadcast, other)).toBe(one === other);
    }),
  );
});

test('all rows of a broadcast lie in its range, those of another outside', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), chat, (broadcast, other, telegramId) => {
      const { first, last } = broadcastRange(broadcast);
      const isInside = (id: string): boolean => first <= id && id <= last;
      expect(isInside(broadcastRowId(broadcast, telegramId))).toBe(true);
      if (broadcast !== other) expect(isInside(broadcastRowId(other, telegramId))).toBe(false);
    }),
  );
});

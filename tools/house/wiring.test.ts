import { expect, test } from 'vitest';
import { sources } from './sources.ts';
import { builtTwice } from './wiring.ts';

test('what stands on a connection is built in one place', async () => {
  expect(builtTwice(await sources())).toEqual([]);
});

test('a store that is built twice is found, one for a transaction is not', () => {
  const planted = new Map([
    ['repositories/flags.ts', 'export class Flags { constructor(redis: Redis) {} }'],
    ['domain/a.ts', 'const a = new Flags(redis), b = new Flags(transaction);'],
    ['domain/b.ts', 'const b = f(one, new Flags(this.redis));'],
  ]);
  expect(builtTwice(planted)).toEqual(['Flags: domain/a.ts, domain/b.ts']);
});

import { expect, test } from 'vitest';
import { misnamed, sharedNames } from './names.ts';
import { sources } from './sources.ts';

test('no two files export the same name', async () => {
  expect(sharedNames(await sources({ all: true }))).toEqual([]);
});

test('a second export of a name is found, types included', () => {
  const planted = new Map([
    ['lib/a.ts', 'export type Verdict = 1;'],
    ['domain/b.ts', 'export const Verdict = 1, other = 2;'],
  ]);
  expect(sharedNames(planted)).toEqual(['Verdict: lib/a.ts, domain/b.ts']);
});

test('a file is named as the class that it exports', async () => {
  expect(misnamed(await sources())).toEqual([]);
});

test('a class in a file of another name is found', () => {
  const planted = new Map([
    ['domain/subscriptions/obsolete.ts', 'export class NoticeTruth {}'],
    ['clients/telegram/client.ts', 'export class TelegramClient {}'],
  ]);
  expect(misnamed(planted)).toEqual(['domain/subscriptions/obsolete.ts exports NoticeTruth']);
});

import { expect, test } from 'vitest';
import { circles, strays, wrongImports } from './layers.ts';
import { sources } from './sources.ts';

const ours = await sources();

test('imports point one way', () => {
  expect(wrongImports(ours)).toEqual([]);
});

test('an import that points the other way is found', () => {
  const planted = new Map([['clients/panel.ts', "import { x } from '../tasks/sync/y.ts';"]]);
  expect(wrongImports(planted)).toEqual(['clients/panel.ts -> tasks/sync/y.ts']);
});

test('nobody but main.ts imports from app/', () => {
  const planted = new Map([['triggers/http/a.ts', "import type { App } from '../../app/build-app.ts';"]]);
  expect(wrongImports(planted)).toEqual(['triggers/http/a.ts -> app/build-app.ts']);
});

test('no file imports itself through others, types included', () => {
  expect(circles(ours)).toEqual([]);
});

test('a circle of types alone is found', () => {
  const planted = new Map([
    ['lib/a.ts', "import type { B } from './b.ts';"],
    ['lib/b.ts', "import { type A } from './a.ts';"],
  ]);
  expect(circles(planted)).toEqual(['lib/a.ts -> lib/b.ts -> lib/a.ts']);
});

test('nothing but main.ts, config.ts and services.ts lies in src/ itself', async () => {
  expect(strays(await sources({ all: true }))).toEqual([]);
});

test('a file in src/ itself is found', () => {
  const planted = new Map([
    ...['main.ts', 'config.test.ts', 'helpers.ts', 'lib/x.ts'].map((path) => [path, ''] as const),
  ]);
  expect(strays(planted)).toEqual(['helpers.ts']);
});

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { NODE_FLAGS } from './heap.ts';

test('the command line starts Node with these flags, also in the image, where the kernel takes one argument and no more', async () => {
  const [firstLine] = (await readFile(new URL('main.ts', import.meta.url), 'utf8')).split('\n');
  expect(firstLine).toBe(`#!/usr/bin/env -S node ${NODE_FLAGS.join(' ')}`);
  expect(NODE_FLAGS).toHaveLength(1);
  const image = await readFile(new URL('../deploy/Dockerfile', import.meta.url), 'utf8');
  expect(image).toContain("sed -i '1s|/usr/bin/env -S node|/usr/local/bin/node|' src/main.ts");
});

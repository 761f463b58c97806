import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { generated } from './main.ts';

test('generated documents are those that the code makes: run `npm run docs` after a change', async () => {
  for (const [path, text] of await generated()) {
    expect(await readFile(new URL(`../../${path}`, import.meta.url), 'utf8'), path).toBe(text);
  }
});

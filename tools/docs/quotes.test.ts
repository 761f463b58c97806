import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '…');

/** Lines that a page shows as code of files that it names, and that none of them has. */
function misquoted(page: string, fileText: (path: string) => string): string[] {
  const parts = page.split(/^After, in /m).slice(1);
  return parts.flatMap((part) => {
    const [named] = part.split('\n');
    const sources = [...named!.matchAll(/`(src\/[\w/.-]+\.ts)`/g)].map(([, path]) => path!);
    const known = new Set(sources.flatMap((path) => linesOf(fileText(path))));
    const blocks = [...part.split(/^###? /m)[0]!.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!);
    return blocks.flatMap((code) =>
      linesOf(code)
        .filter((line) => !known.has(line))
        .map((line) => `${sources.join(', ')}: ${line}`),
    );
  });
}

test('what the style guide shows as code of this repository stands there', () => {
  expect(misquoted(read('docs/style.md'), read)).toEqual([]);
});

test('a line that no longer stands there is found', () => {
  const page = 'After, in `src/lib/a.ts`:\n\n```ts\nconst a = 1;\n…\nconst b = 2;\n```\n';
  expect(misquoted(page, () => 'const a = 1;\n')).toEqual(['src/lib/a.ts: const b = 2;']);
});

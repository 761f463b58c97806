import { glob, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** Source texts by path below `src/`. */
export type Sources = ReadonlyMap<string, string>;

/** Every TypeScript file below `src/`; without tests and `testing/` unless `all` is set. */
export async function sources({ all = false } = {}): Promise<Sources> {
  const paths: string[] = [];
  for await (const path of glob('**/*.ts', { cwd: SRC })) {
    if (all || !(path.endsWith('.test.ts') || path.endsWith('.fixture.ts') || path.startsWith('testing/'))) {
      paths.push(path);
    }
  }
  paths.sort((a, b) => (a < b ? -1 : 1));
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await readFile(`${SRC}${path}`, 'utf8')] as const)),
  );
}

/** Imports by the sources that they were read of: several rules ask for those of the same files. */
const known = new WeakMap<Sources, Map<string, readonly string[]>>();

/** The files that `path` imports, types included, below `src/`; those of packages are left out. */
export function importsOf(path: string, files: Sources): readonly string[] {
  const read = known.get(files) ?? new Map<string, readonly string[]>();
  known.set(files, read);
  const before = read.get(path);
  if (before) return before;
  const { importedFiles } = ts.preProcessFile(files.get(path) ?? '', true, false);
  const targets = importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(path), fileName));
  const found = [...new Set(targets)];
  read.set(path, found);
  return found;
}

import { glob, readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { expect, test } from 'vitest';

/** A file may import from its own layer and from those listed. Types count too: they are how a cycle begins. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  'config.ts': ['lib'],
  clients: ['lib'],
  observability: ['lib', 'clients'],
  repositories: ['lib'],
  messages: ['lib'],
  domain: ['lib', 'clients', 'repositories', 'messages', 'observability', 'config.ts'],
  'services.ts': ['lib', 'clients', 'repositories', 'domain', 'config.ts'],
  runtime: ['lib', 'config.ts', 'services.ts', 'observability', 'clients'],
  tasks: ['lib', 'runtime', 'clients', 'repositories', 'messages', 'domain', 'services.ts'],
  triggers: ['lib', 'runtime', 'repositories', 'observability'],
};

/** The composition root sees all and is seen by nobody but its own. */
const layerOf = (path: string): string => path.split('/')[0]!;

const imports = (source: string): string[] =>
  [...source.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)].map(([, path]) => path!);

/** `importer -> imported` for every import that the table does not allow. */
function wrongImports(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, source]) => {
    const allowed = LAYERS[layerOf(path)];
    if (!allowed) return [];
    return imports(source)
      .map((specifier) => posix.join(posix.dirname(path), specifier))
      .filter((target) => layerOf(target) !== layerOf(path) && !allowed.includes(layerOf(target)))
      .map((target) => `${path} -> ${target}`);
  });
}

/** Files that import each other in a circle, as `a -> b -> a`. */
function cycles(files: ReadonlyMap<string, string>): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    state.set(path, 'open');
    const runtimeImports = imports((files.get(path) ?? '').replaceAll(/^import type [^;]*;/gm, ''));
    for (const specifier of runtimeImports) visit(posix.join(posix.dirname(path), specifier), [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of files.keys()) visit(path, []);
  return found;
}

async function sources(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for await (const path of glob('**/*.ts', { cwd: import.meta.dirname })) {
    if (path.endsWith('.test.ts') || path.startsWith('testing/')) continue;
    files.set(path, await readFile(`${import.meta.dirname}/${path}`, 'utf8'));
  }
  return files;
}

test('imports point one way', async () => {
  expect(wrongImports(await sources())).toEqual([]);
});

test('no file imports itself through others', async () => {
  expect(cycles(await sources())).toEqual([]);
});

test('an import that points the other way is found', () => {
  const planted = new Map([['clients/panel.ts', "import { x } from '../tasks/sync/y.ts';"]]);
  expect(wrongImports(planted)).toEqual(['clients/panel.ts -> tasks/sync/y.ts']);
});

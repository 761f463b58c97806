import { importsOf, type Sources } from './sources.ts';

/** A file may import from its own layer and from those listed. Types count too: they are how a circle begins. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  'config.ts': ['lib'],
  clients: ['lib'],
  observability: ['lib', 'clients'],
  repositories: ['lib'],
  messages: ['lib'],
  domain: [
    'lib',
    'clients',
    'repositories',
    'messages',
    'observability',
    'config.ts',
    'services.ts',
    'runtime',
    'triggers',
  ],
  'services.ts': ['lib', 'clients', 'repositories', 'domain', 'config.ts'],
  runtime: ['lib', 'config.ts', 'services.ts', 'observability', 'clients'],
  tasks: ['lib', 'runtime', 'clients', 'repositories', 'messages', 'domain', 'services.ts'],
  triggers: ['lib', 'runtime', 'repositories', 'observability', 'config.ts'],
  app: [
    ...['lib', 'config.ts', 'clients', 'observability', 'repositories', 'messages', 'domain', 'services.ts'],
    ...['runtime', 'tasks', 'triggers'],
  ],
  'main.ts': ['app', 'lib'],
};

const layerOf = (path: string): string => path.split('/')[0]!;

/** `importer -> imported` for every import that the table does not allow. */
export function wrongImports(files: Sources): string[] {
  return [...files.keys()].flatMap((path) => {
    const allowed = LAYERS[layerOf(path)] ?? [];
    return importsOf(path, files)
      .filter((target) => layerOf(target) !== layerOf(path) && !allowed.includes(layerOf(target)))
      .map((target) => `${path} -> ${target}`);
  });
}

/** Files that import each other in a circle, `import type` included, as `a -> b -> a`. */
export function circles(files: Sources): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      found.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
      return;
    }
    state.set(path, 'open');
    for (const target of importsOf(path, files)) visit(target, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of files.keys()) visit(path, []);
  return found;
}

/** What lies in `src/` itself and is neither one of its three files nor a test of them. */
export function strays(files: Sources): string[] {
  const own = ['main', 'config', 'services'];
  return [...files.keys()].filter((path) => !path.includes('/') && !own.includes(path.split('.')[0]!));
}

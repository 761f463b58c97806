import { readdir } from 'node:fs/promises';
import { CODE_FOLDER, isModule } from '../../../lib/code-folder.ts';
import { type ConsoleView, NAV_GROUPS } from './define-view.ts';

/**
 * Imports every file of `views/`. The start fails on a file that is no view, and on two views or two parts that share a name. Views with
 * more parameters in their paths come later.
 */
export async function loadViews(
  root = new URL('triggers/http/console/views/', CODE_FOLDER),
): Promise<readonly ConsoleView[]> {
  const files = (await readdir(root)).filter(isModule).sort();
  const views = await Promise.all(
    files.map(async (file) => {
      const { default: view } = (await import(new URL(file, root).href)) as { default?: ConsoleView };
      if (!view?.path?.startsWith('/'))
        throw new Error(`views/${file} must default-export defineView({ path: '/…', … })`);
      assertSound(view, file);
      return view;
    }),
  );
  const paths = views.map(({ path }) => path);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice !== undefined) throw new Error(`Two views of the console have the path ${twice}`);
  return views.sort(inMenuOrder);
}

function assertSound({ parts, query }: ConsoleView, file: string): void {
  const names = parts.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`views/${file} has two parts named '${twice}'`);
  if (names.length === 0) throw new Error(`views/${file} has no part`);
  if (query && !query.safeParse({}).success)
    throw new Error(`views/${file}: its bare address must be valid, so every field of its query needs a default`);
}

function inMenuOrder(a: ConsoleView, b: ConsoleView): number {
  const group = ({ nav }: ConsoleView): number => (nav ? NAV_GROUPS.indexOf(nav.group) : NAV_GROUPS.length);
  const order = ({ nav }: ConsoleView): number => nav?.order ?? 50;
  return group(a) - group(b) || order(a) - order(b) || (a.path < b.path ? -1 : 1);
}

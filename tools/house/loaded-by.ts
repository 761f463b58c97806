/** `node tools/house/loaded-by.ts <module>…`: loads these modules of `src/` with the catalogue, and prints the paths of all that came with them. */
import { registerHooks } from 'node:module';

const SOURCES = new URL('../../src/', import.meta.url);

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    loaded.add(url.slice(url.lastIndexOf('/node_modules/') + 1).replace(SOURCES.href, 'src/'));
    return next(url, context);
  },
});
for (const module of process.argv.slice(2)) await import(new URL(module, SOURCES).href);
const { loadTasks } = (await import(new URL('runtime/registry.ts', SOURCES).href)) as {
  loadTasks(): Promise<unknown>;
};
await loadTasks();
console.log(JSON.stringify([...loaded]));

/** `node tools/house/loaded-by.ts <module>…`: loads these modules of `src/`, and the tasks where `tasks` is among the words, and prints the paths of all that came with them. */
import { registerHooks } from 'node:module';

const SOURCES = new URL('../../src/', import.meta.url);

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    loaded.add(url.slice(url.lastIndexOf('/node_modules/') + 1).replace(SOURCES.href, 'src/'));
    return next(url, context);
  },
});
const words = process.argv.slice(2);
for (const module of words.filter((word) => word !== 'tasks')) await import(new URL(module, SOURCES).href);
if (words.includes('tasks')) {
  const { loadTasks } = (await import(new URL('runtime/registry.ts', SOURCES).href)) as {
    loadTasks(): Promise<unknown>;
  };
  await loadTasks();
}
console.log(JSON.stringify([...loaded]));

/**
 * `node tools/bundle/main.ts [folder]`: writes the service as few files into `bundle/`, or into another folder beside `package.json`, as an
 * image carries it. Blanks, comments and names of variables are left out. Functions keep their names, and each file has a source map, so
 * that a stack tells places in `src/`.
 */
import { cp, glob, mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { build, type OutputChunk } from 'rolldown';
import type { AnyTask } from '../../src/runtime/define-task.ts';
import { dryRunName } from '../../src/runtime/dry-run.ts';
import { type ListedTask, loadTasks } from '../../src/runtime/registry.ts';
import { asciiWithPlaces } from './ascii-places.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** Modules with a place of their own: the first one, and those that are found by listing a folder. Others lie one folder deep, as `lib/` does. */
const OWN_PLACES = ['main.ts', 'tasks/*/*.ts', 'triggers/http/console/views/*.ts'];

/** Read as they are, at the same place as in `src/`. */
const ASSETS = 'triggers/http/console/assets';

/** Packages with compiled code or with files that they read themselves, and two that are optional to others and not installed. */
const OUTSIDE = [/^@resvg\//, /^@bull-board\//, 'msgpackr-extract', 'pg-native'];

/**
 * BullMQ's modules as its build for bundlers has them, of which only those are taken that are used: its build for Node carries a backend for
 * PostgreSQL, relays and clients of other runtimes along, 400 kB of text in each process.
 */
const BULLMQ = join(ROOT, 'node_modules/bullmq/dist/esm/index.js');

/**
 * Runs before anything else is loaded. Node hushes packages by their place in `node_modules`, which bundled ones no longer have. The compiled
 * half of msgpackr reads what BullMQ only writes.
 */
const AT_FIRST = "process.noDeprecation = true; process.env.MSGPACKR_NATIVE_ACCELERATION_DISABLED = 'true';";

export async function bundle(folder: string): Promise<void> {
  const sources = join(ROOT, 'src');
  const input: Record<string, string> = {};
  for await (const file of glob(OWN_PLACES, { cwd: sources, exclude: ['**/*.test.ts'] }))
    input[file.slice(0, -'.ts'.length)] = join(sources, file);
  const { output } = await build({
    input,
    cwd: ROOT,
    write: false,
    platform: 'node',
    external: OUTSIDE,
    resolve: { alias: { bullmq: BULLMQ } },
    treeshake: { moduleSideEffects: [{ test: /\/bullmq\//, sideEffects: false }] },
    tsconfig: false,
    logLevel: 'warn',
    output: {
      dir: folder,
      format: 'esm',
      sourcemap: 'hidden',
      sourcemapExcludeSources: true,
      minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: true } },
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[hash].js',
      intro: ({ name }) => (name === 'main' ? AT_FIRST : ''),
    },
  });
  const chunks = output.filter((part) => part.type === 'chunk');
  await rm(folder, { recursive: true, force: true });
  await Promise.all(chunks.map((chunk) => write(folder, chunk)));
  await cp(join(sources, ASSETS), join(folder, ASSETS), { recursive: true });
  await writeFile(join(folder, 'tasks/list.json'), JSON.stringify(await taskList()));
}

/** What `listTasks` reads: all tasks without their code. */
async function taskList(): Promise<Record<'dryRuns' | 'tasks', ListedTask[]>> {
  const registry = await loadTasks();
  const dryRuns = registry.tasks.flatMap(({ name }) => registry.find(dryRunName(name))?.task ?? []);
  return { tasks: registry.tasks.map(listed), dryRuns: dryRuns.map(listed) };
}

function listed(task: AnyTask): ListedTask {
  const { aliases, longRunning, madeUpDays, name, priority, queue, retry, schedule, watched } = task;
  const { delaysMs, exhausted } = retry;
  // JSON leaves out what is undefined.
  const given = { aliases, longRunning, madeUpDays, priority, schedule, watched } as Partial<ListedTask>;
  return { ...given, name, queue, retry: { delaysMs, exhausted } };
}

/** A file that only passes on what others export has no map. */
async function write(folder: string, { code, fileName, map }: OutputChunk): Promise<void> {
  const file = join(folder, fileName);
  const small = asciiWithPlaces({ code, mappings: map?.mappings ?? '' });
  await mkdir(dirname(file), { recursive: true });
  if (!map) return await writeFile(file, small.code);
  const { sources, version } = map;
  await writeFile(file, `${small.code}\n//# sourceMappingURL=${basename(file)}.map\n`);
  await writeFile(`${file}.map`, JSON.stringify({ version, sources, names: [], mappings: small.mappings }));
}

if (import.meta.main) await bundle(resolve(ROOT, process.argv[2] ?? 'bundle'));

import { readdir, readFile } from 'node:fs/promises';
import { parse } from 'node:path';
import type { z } from 'zod';
import { CODE_FOLDER, isModule, MODULE_ENDING } from '../lib/code-folder.ts';
import { PermanentError } from '../lib/errors.ts';
import { loadPart } from '../lib/load-part.ts';
import { nearest } from '../lib/nearest.ts';
import { type AnyTask, QUEUES, type QueueName } from './define-task.ts';
import { dryRunName, dryRunOf } from './dry-run.ts';
import { parseSchedule } from './schedule.ts';

/**
 * A task without its code: all that schedules, metrics and lists of jobs need. It is data, so that the build of the bundle can write it
 * down.
 */
export type ListedTask = Pick<
  AnyTask,
  'aliases' | 'longRunning' | 'madeUpDays' | 'name' | 'priority' | 'queue' | 'schedule' | 'watched'
> & { readonly retry: Pick<AnyTask['retry'], 'delaysMs' | 'exhausted'> };

/** A task as found under one of its names, with the part of the payload that the name implies. */
export type NamedTask<T extends ListedTask = AnyTask> = {
  readonly task: T;
  readonly preset: Readonly<Record<string, unknown>>;
};

/** Thrown when no task has this name or alias. */
export class UnknownTaskError extends PermanentError {
  override name = 'UnknownTaskError';

  constructor(name: string, suggestions: readonly string[]) {
    const hint = suggestions.length > 0 ? ` Did you mean ${suggestions.join(' or ')}?` : '';
    super('unknown_task', `There is no task named '${name}'.${hint} \`task-worker tasks\` lists all.`);
  }
}

/** Finds every task by every name that it has, and loads its code when that is needed. */
export class TaskList<T extends ListedTask = ListedTask> {
  readonly #byName: ReadonlyMap<string, NamedTask<T>>;
  /** In order of queue, then name. */
  readonly tasks: readonly T[];

  /**
   * `others` are found by their own names, and are not among `tasks`. Throws an `Error` that names the task where two tasks share a name.
   */
  constructor(tasks: Iterable<T>, others: Iterable<T> = []) {
    this.tasks = [...tasks].sort(
      (a, b) => QUEUES.indexOf(a.queue) - QUEUES.indexOf(b.queue) || (a.name < b.name ? -1 : 1),
    );
    const byName = new Map<string, NamedTask<T>>();
    for (const task of [...this.tasks, ...others]) {
      for (const alias of [task.name, ...(task.aliases ?? [])]) {
        const { name, payload: preset } = typeof alias === 'string' ? { name: alias, payload: {} } : alias;
        if (byName.has(name))
          throw new Error(`Two tasks answer to '${name}': ${byName.get(name)!.task.name} and ${task.name}`);
        byName.set(name, { task, preset });
      }
    }
    this.#byName = byName;
  }

  /** In order of name. */
  tasksOf(queue: QueueName): readonly T[] {
    return this.tasks.filter((task) => task.queue === queue);
  }

  find(name: string): NamedTask<T> | undefined {
    return this.#byName.get(name);
  }

  /** Like `find`, but throws `UnknownTaskError` with the nearest names. */
  get(name: string): NamedTask<T> {
    const found = this.#byName.get(name);
    if (!found) throw new UnknownTaskError(name, nearest(name, [...this.#byName.keys()]));
    return found;
  }

  /**
   * The task with its code, which may be loaded for it. Throws `UnknownTaskError`, or `part_not_loaded` where the code cannot be loaded now.
   */
  async load(name: string): Promise<NamedTask> {
    const { preset, task } = this.get(name);
    const own = this.tasks.find((one) => one.name === task.name || dryRunName(one.name) === task.name)!;
    const file = `${own.name.replaceAll('_', '-')}${MODULE_ENDING}`;
    const loaded = await loadPart(`The code of ${own.name}`, () => loadTask(TASKS, own.queue, file));
    const { mass } = loaded;
    return { task: mass && own.name !== task.name ? dryRunOf({ ...loaded, mass }) : loaded, preset };
  }
}

/** All tasks with their code. */
export class TaskRegistry extends TaskList<AnyTask> {
  /** Throws an `Error` that names the task where two tasks share a name or a definition cannot work. */
  constructor(tasks: Iterable<AnyTask>) {
    const all = [...tasks];
    super(all, dryRunsOf(all));
    for (const task of this.tasks) assertSound(task);
  }

  override async load(name: string): Promise<NamedTask> {
    return this.get(name);
  }
}

const TASKS = new URL('tasks/', CODE_FOLDER);

/** Beside the tasks of a bundle, whose build writes it (`tools/bundle/main.ts`). */
const LIST = 'list.json';

/** All tasks without their code, where the build of a bundle has written them down; a checkout loads the code to know them. */
export async function listTasks(): Promise<TaskList> {
  const text = await readFile(new URL(LIST, TASKS), 'utf8').catch(() => undefined);
  if (text === undefined) return await loadTasks();
  const { dryRuns, tasks } = JSON.parse(text) as Record<'dryRuns' | 'tasks', ListedTask[]>;
  return new TaskList(tasks, dryRuns);
}

const dryRunsOf = (tasks: readonly AnyTask[]): AnyTask[] =>
  tasks.flatMap((task) => (task.mass ? dryRunOf({ ...task, mass: task.mass }) : []));

/**
 * Imports every file of `src/tasks/<queue>/`. The start fails on a folder that is no queue, on a file that is no task, and on a task whose
 * name differs from its path.
 */
export async function loadTasks(root = TASKS): Promise<TaskRegistry> {
  const entries = await readdir(root, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => {
        const queue = queueOf(name);
        const files = await readdir(new URL(`${queue}/`, root));
        return Promise.all(files.filter(isModule).map((file) => loadTask(root, queue, file)));
      }),
  );
  return new TaskRegistry(found.flat());
}

function queueOf(folder: string): QueueName {
  const queue = QUEUES.find((known) => known === folder);
  if (queue) return queue;
  throw new Error(
    `src/tasks/${folder}/ is no queue; use ${QUEUES.join(', ')}, or add it in src/runtime/define-task.ts`,
  );
}

async function loadTask(root: URL, queue: QueueName, file: string): Promise<AnyTask> {
  const module = (await import(new URL(`${queue}/${file}`, root).href)) as { default?: AnyTask };
  const expected = parse(file).name.replaceAll('-', '_');
  if (module.default?.name !== expected) {
    throw new Error(`src/tasks/${queue}/${file} must default-export defineTask({ name: '${expected}', … })`);
  }
  return { ...module.default, queue };
}

function assertSound(task: AnyTask): void {
  const payload: z.ZodObject = task.payload;
  if (task.schedule && !payload.safeParse({}).success) {
    throw new Error(`${task.name} has a schedule, so its payload must accept {}: give every field a default`);
  }
  if (task.schedule && 'cron' in task.schedule) parseSchedule(task.schedule.cron, `The schedule of ${task.name}`);
  const unknown = [...(task.args ?? []), ...Object.values(task.fieldAliases ?? {})].filter(
    (field) => !(field in payload.shape),
  );
  if (unknown.length > 0) throw new Error(`${task.name} names payload fields that do not exist: ${unknown.join(', ')}`);
}

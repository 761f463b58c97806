import { readdir } from 'node:fs/promises';
import { parse } from 'node:path';
import type { z } from 'zod';
import { CODE_FOLDER, isModule } from '../lib/code-folder.ts';
import { PermanentError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { type AnyTask, QUEUES, type QueueName } from './define-task.ts';
import { dryRunOf } from './dry-run.ts';
import { parseSchedule } from './schedule.ts';

/** A task as found under one of its names, with the part of the payload that the name implies. */
export type NamedTask = { readonly task: AnyTask; readonly preset: Readonly<Record<string, unknown>> };

/** Thrown when no task has this name or alias. */
export class UnknownTaskError extends PermanentError {
  override name = 'UnknownTaskError';

  constructor(name: string, suggestions: readonly string[]) {
    const hint = suggestions.length > 0 ? ` Did you mean ${suggestions.join(' or ')}?` : '';
    super('unknown_task', `There is no task named '${name}'.${hint} \`task-worker tasks\` lists all.`);
  }
}

/** Finds every task by every name that it has. */
export class TaskRegistry {
  readonly #byName: ReadonlyMap<string, NamedTask>;
  /** In order of queue, then name. */
  readonly tasks: readonly AnyTask[];

  /** Throws an `Error` that names the task where two tasks share a name or a definition cannot work. */
  constructor(tasks: Iterable<AnyTask>) {
    this.tasks = [...tasks].sort(
      (a, b) => QUEUES.indexOf(a.queue) - QUEUES.indexOf(b.queue) || (a.name < b.name ? -1 : 1),
    );
    const byName = new Map<string, NamedTask>();
    for (const task of this.tasks) {
      assertSound(task);
      for (const alias of [task.name, ...(task.aliases ?? [])]) {
        const { name, payload: preset } = typeof alias === 'string' ? { name: alias, payload: {} } : alias;
        if (byName.has(name))
          throw new Error(`Two tasks answer to '${name}': ${byName.get(name)!.task.name} and ${task.name}`);
        byName.set(name, { task, preset });
      }
      const { mass } = task;
      if (!mass) continue;
      const dry = dryRunOf({ ...task, mass });
      byName.set(dry.name, { task: dry, preset: {} });
    }
    this.#byName = byName;
  }

  /** In order of name. */
  tasksOf(queue: QueueName): readonly AnyTask[] {
    return this.tasks.filter((task) => task.queue === queue);
  }

  find(name: string): NamedTask | undefined {
    return this.#byName.get(name);
  }

  /** Like `find`, but throws `UnknownTaskError` with the nearest names. */
  get(name: string): NamedTask {
    const found = this.#byName.get(name);
    if (!found) throw new UnknownTaskError(name, nearest(name, [...this.#byName.keys()]));
    return found;
  }
}

/**
 * Imports every file of `src/tasks/<queue>/`. The start fails on a folder that is no queue, on a file that is no task, and on a task whose
 * name differs from its path.
 */
export async function loadTasks(root = new URL('tasks/', CODE_FOLDER)): Promise<TaskRegistry> {
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

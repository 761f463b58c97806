import { type Config, parseConfig, type TaskProblems } from '../config.ts';
import { nearest } from '../lib/nearest.ts';
import { listTasks, type TaskList } from '../runtime/registry.ts';
import { parseSchedule } from '../runtime/schedule.ts';

/** Reads the environment with all that can be wrong with it, the names of tasks included. Throws `ConfigError`. */
export async function readConfig(env: Readonly<Record<string, string | undefined>>): Promise<Config> {
  return parseConfig(env, problemsWith(await listTasks()));
}

/**
 * A schedule of a task that there is not is passed over: it may be another version's, or another program's. A task that cannot be switched
 * off by the name given would still run, so that name is a problem.
 */
function problemsWith(registry: TaskList): TaskProblems {
  const names = registry.tasks.map(({ name }) => name);
  return ({ disabled, schedules }) => [
    ...[...schedules].flatMap(([task, text]) => (names.includes(task) ? scheduleProblem(task, text) : [])),
    ...disabled.filter((name) => !registry.find(name)).map((name) => unknownTask(name, names)),
  ];
}

function scheduleProblem(task: string, text: string): string[] {
  const variable = `SCHEDULE_${task.toUpperCase()}`;
  try {
    parseSchedule(text, variable);
    return [];
  } catch {
    return [`${variable} is not valid: must be an interval (30s, 5m, 2h) or a cron pattern in UTC (*/5 * * * *)`];
  }
}

function unknownTask(name: string, names: readonly string[]): string {
  const close = nearest(name, names);
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : '`task-worker tasks` lists all';
  return `DISABLED_TASKS is not valid: it names a task that there is not; ${hint}`;
}

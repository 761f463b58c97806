import { everyCommand, ROLES } from '../../src/app/command-line.ts';
import { describeConfig } from '../../src/config.ts';
import { SERIES } from '../../src/observability/series.ts';
import { backendKeys, keys } from '../../src/repositories/redis/keys.ts';
import { describeTask } from '../../src/runtime/describe-task.ts';
import { loadTasks } from '../../src/runtime/registry.ts';
import { openApi } from '../../src/triggers/http/api/openapi.ts';
import { apiRoutes } from '../../src/triggers/http/api/routes.ts';
import type { HttpContext } from '../../src/triggers/http/context.ts';

/** Every name under which others know this service: tasks with payloads, variables, keys, metrics, routes, commands and their options. */
export async function surface(): Promise<Record<string, unknown>> {
  const registry = await loadTasks();
  // Only what the routes say is needed here; none is called.
  const context = { registry, exports: {} } as unknown as HttpContext;
  return {
    tasks: registry.tasks.map((task) => ({
      ...describeTask(task, task.schedule && 'everySetting' in task.schedule ? undefined : task.schedule, false),
      timeLimitMs: task.timeLimitMs ?? null,
      priority: task.priority ?? null,
      args: task.args ?? [],
      fieldAliases: task.fieldAliases ?? {},
      aliases: task.aliases ?? [],
      counts: task.counts,
    })),
    variables: describeConfig(),
    metrics: Object.values(SERIES),
    keys: namesOf({ ...keys, ...backendKeys }),
    api: openApi(apiRoutes(context), registry, ''),
    commands: everyCommand.map(({ name, summary, usage }) => ({
      name,
      summary,
      usage,
    })),
    roles: ROLES,
  };
}

/** Each key with its parameters filled in by their place. */
function namesOf(builders: Readonly<Record<string, (...args: never[]) => string>>): Record<string, string> {
  const places = ['<1>', '<2>', '<3>'] as never[];
  return Object.fromEntries(Object.entries(builders).map(([name, build]) => [name, build(...places)]));
}

import { dependencies } from './dependencies.ts';
import { nodes } from './nodes.ts';
import { notifications } from './notifications.ts';
import { overview } from './overview.ts';
import { payments } from './payments.ts';
import { tasks } from './tasks.ts';

/** Grafana's files, by path from the repository's root. */
export function dashboardFiles(): Map<string, string> {
  const all = { overview, tasks, notifications, nodes, payments, dependencies };
  return new Map(
    Object.entries(all).map(([name, made]) => [
      `deploy/grafana/dashboards/${name}.json`,
      `${JSON.stringify(made, undefined, 2)}\n`,
    ]),
  );
}

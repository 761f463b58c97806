import { writeFile } from 'node:fs/promises';
import { dashboardFiles } from '../dashboards/files.ts';
import { chaosPage } from './chaos.ts';
import { clients } from './clients.ts';
import { configurationPage, envExample } from './configuration.ts';
import { metricsPage } from './metrics.ts';
import { performancePage } from './performance.ts';
import { tasksPage } from './tasks.ts';

/** What is generated, by path from the repository's root. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/chaos.md', await chaosPage()],
    ['docs/configuration.md', configurationPage()],
    ['docs/metrics.md', metricsPage()],
    ['docs/performance.md', await performancePage()],
    ['docs/tasks.md', await tasksPage()],
    ['.env.example', envExample()],
    ...(await clients()),
    ...dashboardFiles(),
  ]);
}

if (import.meta.main) {
  for (const [path, text] of await generated()) {
    await writeFile(new URL(`../../${path}`, import.meta.url), text);
    console.log(`wrote ${path}`);
  }
}

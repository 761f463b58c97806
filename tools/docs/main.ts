import { readFile, writeFile } from 'node:fs/promises';
import { dashboardFiles } from '../dashboards/files.ts';
import { chaosPage } from './chaos.ts';
import { clients } from './clients.ts';
import { configurationPage, envExample } from './configuration.ts';
import { metricsPage } from './metrics.ts';
import { withOnion } from './onion.ts';
import { performancePage } from './performance.ts';
import { tasksPage } from './tasks.ts';

/** What is generated, by path from the repository's root. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const architecture = new URL('../../docs/architecture.md', import.meta.url);
  return new Map([
    ['docs/architecture.md', withOnion(await readFile(architecture, 'utf8'))],
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

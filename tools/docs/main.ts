import { readFile, writeFile } from 'node:fs/promises';
import { dashboardFiles } from '../dashboards/files.ts';
import { chaosPage } from './chaos.ts';
import { clients } from './clients.ts';
import { configurationPage, envExample } from './configuration.ts';
import { houseTable } from './house.ts';
import { metricsPage } from './metrics.ts';
import { onionPicture } from './onion.ts';
import { performancePage } from './performance.ts';
import { platformRules } from './platform-rules.ts';
import { runbooksPage } from './runbooks.ts';
import { tasksPage } from './tasks.ts';
import { withinMarks } from './within-marks.ts';

/** The generated files, by path from the repository's root. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/architecture.md', await architecturePage()],
    ['docs/chaos.md', await chaosPage()],
    ['docs/configuration.md', configurationPage()],
    ['docs/metrics.md', metricsPage()],
    ['docs/migration.md', await migrationPage()],
    ['docs/performance.md', await performancePage()],
    ['docs/runbooks.md', runbooksPage('en')],
    ['docs/runbooks.ru.md', runbooksPage('ru')],
    ['docs/tasks.md', await tasksPage()],
    ['.env.example', envExample()],
    ...(await clients()),
    ...dashboardFiles(),
  ]);
}

/** Written by hand but for two places. */
async function architecturePage(): Promise<string> {
  const page = await readFile(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  return withinMarks(withinMarks(page, 'onion', onionPicture()), 'house', await houseTable());
}

/** Written by hand but for the table of the platform's rules. */
async function migrationPage(): Promise<string> {
  const page = await readFile(new URL('../../docs/migration.md', import.meta.url), 'utf8');
  return withinMarks(page, 'platform-rules', await platformRules());
}

if (import.meta.main) {
  for (const [path, text] of await generated()) {
    await writeFile(new URL(`../../${path}`, import.meta.url), text);
    console.log(`wrote ${path}`);
  }
}

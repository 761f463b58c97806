import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

/** Where else the version stands, and how; image and manifests have tests of their own. */
const PLACES = {
  'package-lock.json': /"name": "cybervpn-task-worker",\n +"version": "([^"]+)"/g,
  'CHANGELOG.md': /^## (\d+\.\d+\.\d+), \d{4}-\d\d-\d\d$/gm,
  'docs/upgrading.md': /^### (\d+\.\d+\.\d+)\b/gm,
  'docs/operations.md': /task-worker (\d+\.\d+\.\d+), Node/g,
};
/** Newest first; what is below it are older versions. */
const HISTORIES = new Set(['CHANGELOG.md', 'docs/upgrading.md']);

test.each(Object.entries(PLACES))('%s names the version of package.json', async (path, pattern) => {
  const found = [...(await readFile(path, 'utf8')).matchAll(pattern)].map(([, version]) => version);
  const named = HISTORIES.has(path) ? found.slice(0, 1) : [...new Set(found)];
  expect(named).toEqual([manifest.version]);
});

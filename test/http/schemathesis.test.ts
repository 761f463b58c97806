import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { minutes } from '../../src/lib/duration.ts';
import { World } from '../../src/testing/world/world.ts';
import { privatePython } from '../contract/private-python.ts';

const run = promisify(execFile);
const token = randomBytes(16).toString('hex');

const tester = await privatePython({
  packages: ['schemathesis==4.32.5'],
  modules: ['schemathesis'],
  oldestMinor: 10,
});
const python = 'python' in tester ? tester.python : undefined;
const note = 'skipped' in tester ? ` (SKIPPED: ${tester.skipped})` : '';

/** More of them find what is rarer: `SCHEMATHESIS_SECONDS=50`. */
const MOST_SECONDS = Number(process.env.SCHEMATHESIS_SECONDS ?? 25);

/** Few examples, made without chance: the same requests each time. */
const BOUNDED = `--max-examples 3 --max-time ${MOST_SECONDS} --phases examples,coverage,fuzzing --workers 1 --generation-deterministic --no-shrink --warnings off`;

/** Answers to requests that fit their schemas, besides the usual ones. docs/testing.md has the reasons. */
const SETTINGS = `
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 422, 429, "5xx"]

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]

[[operations]]
include-operation-id = "dispatch_process_payment_completion"
checks = { positive_data_acceptance = { expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 422, 429, "5xx"] } }

[[operations]]
include-operation-id = "downloadExport"
checks = { content_type_conformance = { enabled = false } }

[[operations]]
include-operation-id = "dispatchTask"
checks = { positive_data_acceptance = { expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 422, 429, "5xx"] } }
`;
/** It counts 429 as an open door. */
const EXCLUDED = ['--exclude-checks', 'ignored_auth'];

test.skipIf(!python)(
  `schemathesis finds nothing that the OpenAPI document does not say${note}`,
  async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'schemathesis-'));
    await using world = await World.start({ panel: {}, env: { API_TOKENS: `schemathesis:${token}` } });
    const { httpUrl } = await world.startWorker();
    await writeFile(join(folder.path, 'schemathesis.toml'), SETTINGS);
    const args = ['-m', 'schemathesis.cli', 'run', `${httpUrl}/api/openapi.json`, '--no-color', '--checks', 'all'];
    const { stdout } = await run(
      python!,
      [...args, ...BOUNDED.split(' '), ...EXCLUDED, '-H', `Authorization: Bearer ${token}`],
      {
        cwd: folder.path,
        timeout: minutes(4),
        maxBuffer: 50_000_000,
      },
    ).catch(({ stderr, stdout: findings }) => {
      throw new Error(`${findings}\n${stderr}`);
    });
    expect(stdout).toMatch(/Tested: [1-9]\d/);
    expect(stdout).not.toContain('❌');
  },
  300_000,
);

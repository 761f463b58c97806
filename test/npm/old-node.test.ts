import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

/** Pretends to be another version before any other module is loaded. */
const pretending = (version: string): string =>
  `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '${version}' })`;

const list = (version: string) =>
  promisify(execFile)(
    process.execPath,
    ['--import', pretending(version), 'node_modules/vitest/vitest.mjs', 'list', '--project', 'unit', 'src/lib/uuid'],
    { cwd: ROOT },
  );

test('vitest under an old Node says in one sentence which it needs and how to run it', async () => {
  await expect(list('20.20.2')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Tests need Node\.js 24 or newer, and this is 20\.20\.2: run them with npm \(.*\)/),
  });
});

test('vitest under the oldest Node that will do runs', async () => {
  expect((await list('24.0.0')).stdout).toContain('src/lib/uuid.test.ts');
});

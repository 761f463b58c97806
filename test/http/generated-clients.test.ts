import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutes } from '../../src/lib/duration.ts';
import { loadTasks } from '../../src/runtime/registry.ts';
import { openApi } from '../../src/triggers/http/api/openapi.ts';
import { apiRoutes } from '../../src/triggers/http/api/routes.ts';
import type { HttpContext } from '../../src/triggers/http/context.ts';
import { privatePython } from '../contract/private-python.ts';

const run = promisify(execFile);
const BIN = join(import.meta.dirname, '../../node_modules/.bin');

/** A program that generates a client says what it leaves out, and ends well all the same. */
const LEFT_OUT = /warn|error|unable|skipping|removal|failed/i;

const generator = await privatePython({
  packages: ['openapi-python-client==0.29.1'],
  modules: ['openapi_python_client', 'httpx', 'attrs'],
  oldestMinor: 10,
});
const python = 'python' in generator ? generator.python : undefined;
const note = 'skipped' in generator ? ` (SKIPPED: ${generator.skipped})` : '';

let folder: string;
let document: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'generated-clients-'));
  document = join(folder, 'openapi.json');
  const registry = await loadTasks();
  // Only the descriptions of the routes are needed; none is called.
  const routes = apiRoutes({ registry, exports: {} } as unknown as HttpContext);
  await writeFile(document, JSON.stringify(openApi(routes, registry, '1.0.0')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Throws what the compiler says about these files. */
async function typeCheck(root: string, program: string): Promise<void> {
  await writeFile(join(root, 'program.ts'), program);
  const options = { strict: true, noEmit: true, skipLibCheck: false, types: [], target: 'es2024', module: 'esnext' };
  const config = {
    compilerOptions: { ...options, moduleResolution: 'bundler', lib: ['es2024', 'dom', 'dom.iterable'] },
  };
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify(config));
  await run(join(BIN, 'tsc'), ['-p', root], { timeout: minutes(2) }).catch(({ stdout }) => {
    throw new Error(stdout);
  });
}

describe('a client that is generated from the OpenAPI document', () => {
  test('by openapi-typescript has the types of payloads and answers', async () => {
    const root = join(folder, 'openapi-typescript');
    await mkdir(root);
    const { stderr, stdout } = await run(join(BIN, 'openapi-typescript'), [document, '-o', join(root, 'schema.d.ts')]);
    expect(stdout + stderr).not.toMatch(LEFT_OUT);
    await typeCheck(
      root,
      `import type { components, operations } from './schema';
export const payload: components['schemas']['SendNotificationPayload'] = { telegram_id: 1, message: 'x' };
export const job = (answer: operations['getJob']['responses'][200]['content']['application/json']): string => answer.state;
export const why = (problem: components['schemas']['Problem']): string => problem.detail;
// @ts-expect-error a payload without its message is none
export const wrong: components['schemas']['SendNotificationPayload'] = { telegram_id: 1 };
`,
    );
  });

  test('by @hey-api/openapi-ts calls by the names of operations', async () => {
    const root = join(folder, 'hey-api');
    // It takes its folder of logs from where it runs.
    const { stderr, stdout } = await run(join(BIN, 'openapi-ts'), ['-i', document, '-o', join(root, 'client')], {
      cwd: folder,
    });
    expect(stdout + stderr).not.toMatch(LEFT_OUT);
    await typeCheck(
      root,
      `import { dispatchSendNotification, getJob, type Problem } from './client';
export async function send(): Promise<string | Problem> {
  const { data, error } = await dispatchSendNotification({ body: { telegram_id: 1, message: 'x' } });
  if (!data) return error;
  const job = await getJob({ path: { id: data.job_id } });
  return job.data?.state ?? 'unknown';
}
`,
    );
  });

  test.skipIf(!python)(`by openapi-python-client has a module for each call and each schema${note}`, async () => {
    const bin = dirname(python!);
    // It knows files by one type only: docs/api.md says so to its users.
    const pictures = ['image/png', 'image/*'].map((type) => [type, 'application/octet-stream']);
    const config = join(folder, 'python-client.json');
    await writeFile(config, JSON.stringify({ content_type_overrides: Object.fromEntries(pictures) }));
    const args = ['-m', 'openapi_python_client', 'generate', '--path', document, '--output-path', 'worker_client'];
    const options = { cwd: folder, env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } };
    const { stderr, stdout } = await run(python!, [...args, '--meta', 'none', '--config', config], options);
    expect(stdout + stderr).not.toMatch(LEFT_OUT);
    await writeFile(join(folder, 'program.py'), PROGRAM);
    const said = await run(python!, ['-W', 'error', 'program.py'], { cwd: folder });
    const { modules, payload, state } = JSON.parse(said.stdout);
    expect(modules).toBeGreaterThan(100);
    expect(payload).toEqual({ telegram_id: 1, message: 'x' });
    expect(state).toBe('completed');
  });
});

/** Imports all that was generated, writes a payload and reads an answer. */
const PROGRAM = `
import importlib, json, pkgutil
import worker_client
from worker_client.api.tasks import dispatch_send_notification
from worker_client.models import Job, SendNotificationPayload

names = [module.name for module in pkgutil.walk_packages(worker_client.__path__, "worker_client.")]
for name in names:
    importlib.import_module(name)
payload = SendNotificationPayload(telegram_id=1, message="x")
now = "2026-11-29T12:00:00.000Z"
job = Job.from_dict(dict(
    id="a", task="t", queue="q", state="completed", attempts=1, max_attempts=1, initiated_by="x",
    source="http", correlation_id="c", created_at=now,
))
assert callable(dispatch_send_notification.sync)
print(json.dumps({"modules": len(names), "payload": payload.to_dict(), "state": str(job.state)}))
`;

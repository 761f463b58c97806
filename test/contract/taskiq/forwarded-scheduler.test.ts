/** The example for the schedules that the new worker has not: what it keeps of those of a stand-in, and where it refuses. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { taskiqPython } from './python.ts';

const found = await taskiqPython();
const python = 'python' in found ? found.python : '';
const title = 'skipped' in found ? `forwarded_scheduler (SKIPPED: ${found.skipped})` : 'forwarded_scheduler';
const ROOT = join(import.meta.dirname, '../../..');
/** The tasks of the stand-in that this service has too. */
const OURS = ['monitor_queue_depth', 'process_notification_queue'];

describe.skipIf('skipped' in found)(title, () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forwarded-'));
    await cp(join(import.meta.dirname, 'platform'), folder, { recursive: true });
    for (const file of ['forwarded_broker.py', 'forwarded_scheduler.py'])
      await cp(join(ROOT, 'examples/python', file), join(folder, file));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Starts the scheduler with these tasks known, to its end or to its first words. */
  async function load(known: readonly string[]): Promise<{ code: number | null; said: string }> {
    const tasks = known.map((name) => ({ name, aliases: [] }));
    await writeFile(join(folder, 'known-tasks.json'), JSON.stringify(tasks));
    const child = spawn(python, ['-c', 'import forwarded_scheduler'], {
      cwd: folder,
      env: {
        ...process.env,
        PYTHONDONTWRITEBYTECODE: '1',
        REDIS_URL: 'redis://127.0.0.1:9',
        TASKIQ_FORWARD_STREAM: 's',
        RAN_KEY: 'r',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    return { code: code as number | null, said };
  }

  test('it says what it keeps: what the broker does not import as well', async () => {
    const { code, said } = await load(OURS);
    expect(said).toContain(
      'keeps 2 of 3 scheduled tasks: process_messaging_outbox, process_partner_bot_provisioning_jobs',
    );
    expect(code).toBe(0);
  });

  test('it refuses to keep nothing, and says that the new worker has all', async () => {
    const { code, said } = await load([
      ...OURS,
      ...['process_messaging_outbox', 'process_partner_bot_provisioning_jobs'],
    ]);
    expect(said).toMatch(/keeps 0 of 3 scheduled tasks.*leave this scheduler out/);
    expect(code).toBe(1);
  });

  test('it refuses where no task has a schedule, as without the module that sets them', async () => {
    await writeFile(join(folder, 'src/schedules/definitions.py'), '');
    const { code, said } = await load(OURS);
    expect(said).toMatch(/keeps 0 of 0 scheduled tasks.*src\.schedules\.definitions/);
    expect(code).toBe(1);
  });
});

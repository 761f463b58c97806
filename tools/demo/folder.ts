import { appendFileSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Holds the id of the process that uses the folder. */
const CLAIM = 'demo.pid';

/** Where everything of a running demo is, for people and programs. */
export type DemoState = {
  http_url: string;
  api_token: string;
  database_url: string;
  redis_url: string;
  sandbox: { telegram_url: string; panel_url: string; cryptopay_url: string };
  pids: Record<'demo' | 'worker' | 'scheduler' | 'postgres' | 'redis', number>;
};

/**
 * `.demo` in the checkout: state, environment and logs of the running demo. A second demo at the same time gets a folder of its own
 * inside, and an account that may not write there one among the temporary files.
 */
export class DemoFolder implements AsyncDisposable {
  readonly path: string;
  readonly #isUsual: boolean;

  private constructor(path: string, isUsual: boolean) {
    this.path = path;
    this.#isUsual = isUsual;
  }

  static async open(): Promise<DemoFolder> {
    const usual = join(ROOT, '.demo');
    try {
      await mkdir(usual, { recursive: true });
      if (await claim(usual)) {
        for (const role of ['worker', 'scheduler']) await writeFile(join(usual, `${role}.log`), '');
        return new DemoFolder(usual, true);
      }
      const own = join(usual, String(process.pid));
      await mkdir(own, { recursive: true });
      return new DemoFolder(own, false);
    } catch {
      return new DemoFolder(await mkdtemp(join(tmpdir(), 'task-worker-demo-')), false);
    }
  }

  /** As the user would type it. */
  show(name: string): string {
    const path = join(this.path, name);
    const below = relative(ROOT, path);
    return below.startsWith('..') ? path : below;
  }

  async write(state: DemoState, env: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(join(this.path, 'env'), lines.join(''));
    await writeFile(join(this.path, 'state.json'), `${JSON.stringify(state, undefined, 2)}\n`);
  }

  log(role: string, line: string): void {
    appendFileSync(join(this.path, `${role}.log`), `${line}\n`);
  }

  /** What is over must not look as if it ran. The logs of `.demo` stay until the next one. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isUsual) return await rm(this.path, { recursive: true, force: true });
    for (const name of ['state.json', 'env', CLAIM]) await rm(join(this.path, name), { force: true });
  }
}

/** False where a demo that still runs has the folder; one that was killed has lost it. */
async function claim(folder: string): Promise<boolean> {
  const file = join(folder, CLAIM);
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (isRunning(Number(readFileSync(file, 'utf8')))) return false;
  await writeFile(file, String(process.pid));
  return true;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It runs, as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { appendFileSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Holds the id of the process that uses the folder. */
const CLAIM = 'demo.pid';

/** The addresses of a running demo, for people and programs. */
export type DemoState = {
  http_url: string;
  api_token: string;
  database_url: string;
  redis_url: string;
  sandbox: { telegram_url: string; panel_url: string; cryptopay_url: string };
  pids: Record<'demo' | 'worker' | 'scheduler' | 'postgres' | 'redis', number>;
};

/**
 * `.demo` in the checkout: state, environment and logs of the running demo. A second demo at the same time gets its own folder inside. An
 * account that may not write there gets one among the temporary files.
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

  /** The path as the user would type it. */
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

  /** A demo that has ended must not look as if it ran. The logs of `.demo` stay until the next one. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isUsual) return await rm(this.path, { recursive: true, force: true });
    for (const name of ['state.json', 'env', CLAIM]) await rm(join(this.path, name), { force: true });
  }
}

/** False where a running demo has the folder; a killed demo has lost it. */
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
    // The process runs as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

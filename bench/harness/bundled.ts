import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../tools/bundle/main.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The bundle of an image, in a temporary folder that goes with it. */
export class Bundled implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Bundled> {
    const folder = await mkdtemp(join(tmpdir(), 'task-worker-bundle-'));
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await copyFile(join(ROOT, 'package.json'), join(folder, 'package.json'));
    await bundle(join(folder, 'bundle'));
    return new Bundled(folder);
  }

  /** `task-worker` with these words and exactly this environment plus our PATH, in a process group of its own. */
  readonly spawn = (args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess =>
    spawn(process.execPath, [join(this.#folder, 'bundle/main.js'), ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}

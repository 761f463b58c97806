import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Image, ids, isRoot } from './build.ts';

const run = promisify(execFile);

type Env = Readonly<Record<string, string>>;

/** An image's tree as its user finds it: only mounts can be written, and the environment is the image's own. */
export class Container implements AsyncDisposable {
  readonly #image: Image;
  readonly #env: Env;
  readonly #mounts: string;
  /** Stands for the tmpfs at /tmp. */
  readonly tmp: string;
  /** Stands for the volume of the exports. */
  readonly exports: string;

  private constructor(image: Image, mounts: string, env: Env) {
    this.#image = image;
    this.#mounts = mounts;
    this.tmp = join(mounts, 'tmp');
    this.exports = join(mounts, 'exports');
    const own = [...image.env].map(([name, value]) => [name, value.replaceAll(/(^|:)\//g, `$1${image.root}/`)]);
    this.#env = { ...Object.fromEntries(own), TMPDIR: this.tmp, EXPORT_DIR: this.exports, ...env };
  }

  /** `env` adds variables as `docker run --env` does. */
  static async of(image: Image, env: Env): Promise<Container> {
    const mounts = await mkdtemp(join(tmpdir(), 'task-worker-mounts-'));
    const container = new Container(image, mounts, env);
    for (const folder of [mounts, container.tmp, container.exports]) {
      await mkdir(folder, { recursive: true });
      if (isRoot) await chown(folder, ...ids(image.user));
    }
    return container;
  }

  /**
   * `docker run image <command>`: the entrypoint with these arguments, as the image's user, under a program of this machine where one is
   * named.
   */
  spawn(command: readonly string[], env: Env = {}, under: readonly string[] = []): ChildProcess {
    const [program, args, options] = this.#call([...this.#image.entrypoint, ...command], env);
    const [outer = program, ...words] = [...under, program, ...args];
    return spawn(outer, words, { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  }

  /** Runs the same to its end. */
  async run(command: readonly string[], env: Env = {}): Promise<{ code: number; stdout: string; stderr: string }> {
    return await this.exec([...this.#image.entrypoint, ...command], env);
  }

  /** `docker exec`: any program of the image. */
  async exec(words: readonly string[], env: Env = {}): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, args, options] = this.#call(words, env);
    try {
      return { code: 0, ...(await run(program, args, { ...options, maxBuffer: 16 * 1024 ** 2 })) };
    } catch (error) {
      const { code, stderr, stdout } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#mounts, { recursive: true });
  }

  #call([name = '', ...args]: readonly string[], more: Env): [string, string[], object] {
    const env = { ...this.#env, ...more };
    const [uid, gid] = ids(this.#image.user);
    const program = env.PATH!.split(':').map((folder) => join(folder, name));
    const cwd = join(this.#image.root, this.#image.workdir);
    // Only the image's PATH decides which program is found, as in a container.
    return [program.find((path) => existsSync(path)) ?? name, args, { env, cwd, ...(isRoot && { uid, gid }) }];
  }
}

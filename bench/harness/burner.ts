import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

/** Computes without end, and ends with the process that started it, even when that is killed. */
const PROGRAM =
  "process.stdin.on('end', () => process.exit()).resume(); setInterval(() => { for (let until = performance.now() + 50; performance.now() < until; ); }, 0);";

/** Another program that wants all cores of this machine for itself, until disposed. */
export class Burner implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  private constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  static async start(): Promise<Burner> {
    const children = Array.from({ length: availableParallelism() }, () =>
      spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'ignore', 'inherit'] }),
    );
    await Promise.all(children.map((child) => once(child, 'spawn')));
    return new Burner(children);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}

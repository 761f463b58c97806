import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { seconds } from '../../src/lib/duration.ts';
import { Watchdog } from '../../src/testing/servers/watchdog.ts';

/** Longer than the shutdown of uvicorn and of a TaskIQ worker that waits for its tasks. */
const STOP_LIMIT_MS = seconds(40);

export type Command = {
  readonly python: string;
  readonly args: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Its output is kept here. */
  readonly log: string;
};

/** One process of an original. It ends with this one, even after a SIGKILL. */
export class OriginalProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #watchdog: Watchdog;
  readonly #ended: Promise<unknown>;

  private constructor(child: ChildProcess, watchdog: Watchdog) {
    this.#child = child;
    this.#watchdog = watchdog;
    this.#ended = once(child, 'exit');
  }

  static async start({ python, args, folder, env, log }: Command): Promise<OriginalProcess> {
    const watchdog = new Watchdog(await mkdtemp(join(tmpdir(), 'original-')), 'KILL');
    const child = spawn(python, args, {
      cwd: folder,
      detached: true,
      env: { PATH: process.env.PATH ?? '', TZ: 'UTC', PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child, 'spawn');
    watchdog.guard(-child.pid!);
    for (const stream of [child.stdout!, child.stderr!])
      pipeline(stream, createWriteStream(log, { flags: 'a' })).catch(() => undefined);
    return new OriginalProcess(child, watchdog);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get isGone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** How it ended: 0 is well. Runs until it ends by itself. */
  async end(): Promise<number | null> {
    await this.#ended;
    return this.#child.exitCode;
  }

  kill(signal: NodeJS.Signals): void {
    if (!this.isGone) process.kill(-this.pid, signal);
  }

  async stop(): Promise<void> {
    this.kill('SIGTERM');
    const tooLate = setTimeout(() => this.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#ended;
    clearTimeout(tooLate);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#watchdog.finish();
  }
}

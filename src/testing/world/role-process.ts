import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Role } from '../../app/roles.ts';
import { seconds } from '../../lib/duration.ts';
import { Watchdog } from '../servers/watchdog.ts';
import { spawnMain } from './command.ts';

/** One parsed line of the log. */
export type LogLine = Readonly<Record<string, unknown>> & { level: string; msg: string; pid: number };

/** A start takes about a second; a loaded machine takes several. */
const START_LIMIT_MS = seconds(60);

const KEPT_LINES = 100_000;

/** Called with every line of a process' output. */
export type LineListener = (line: string) => void;

/** Starts `task-worker` with these words and this environment, in a process group of its own. */
export type SpawnTaskWorker = (args: readonly string[], env: Readonly<Record<string, string>>) => ChildProcess;

/** `task-worker worker | scheduler | all` as shipped, in a process group of its own, with its whole output kept. */
export class RoleProcess implements AsyncDisposable {
  readonly role: Role;
  /** Lines of standard output and error in order of arrival, the last 100,000 of them. */
  readonly output: string[] = [];
  /** Resolves when the process is gone. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #child: ChildProcess;
  readonly #watchdog: Watchdog;
  readonly #waiting = new Set<() => void>();
  #isGone = false;
  #httpUrl: string | undefined;

  private constructor(role: Role, child: ChildProcess, watchdog: Watchdog, onLine: LineListener | undefined) {
    this.role = role;
    this.#child = child;
    this.#watchdog = watchdog;
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.output.push(line);
        if (this.output.length > KEPT_LINES) this.output.shift();
        onLine?.(line);
        this.#look();
      });
    }
    this.ended = once(child, 'close').then(() => {
      this.#isGone = true;
      this.#look();
      return { code: child.exitCode, signal: child.signalCode };
    });
  }

  /**
   * Starts the role and resolves once it logs that it is ready, so `env` must let INFO through. Throws with its last output where it ends
   * instead.
   */
  static async start(
    role: Role,
    env: Readonly<Record<string, string>>,
    onLine?: LineListener,
    spawnTaskWorker: SpawnTaskWorker = spawnMain,
  ): Promise<RoleProcess> {
    const watchdog = new Watchdog(await mkdtemp(join(tmpdir(), 'task-worker-')), 'KILL');
    const child = spawnTaskWorker([role], env);
    await once(child, 'spawn');
    // The whole group is guarded, so that a supervisor's processes end with it.
    watchdog.guard(-child.pid!);
    const started = new RoleProcess(role, child, watchdog, onLine);
    try {
      const ready = await started.untilLogged(({ msg }) => msg === `${role} is ready`, START_LIMIT_MS);
      started.#httpUrl = `http://127.0.0.1:${(ready.address as { port: number }).port}`;
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The URL of health and metrics. */
  get httpUrl(): string {
    return this.#httpUrl!;
  }

  get isRunning(): boolean {
    return !this.#isGone;
  }

  /** The log so far. Lines that are not JSON (a crash) are in `output` only. */
  get log(): LogLine[] {
    return this.output.flatMap((line) => {
      try {
        return [JSON.parse(line) as LogLine];
      } catch {
        return [];
      }
    });
  }

  /** The first logged line that fits, even from before the call. Rejects when the process ends without it, or after `limitMs`. */
  async untilLogged(fits: (line: LogLine) => boolean, limitMs = seconds(30)): Promise<LogLine> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const found = this.log.find(fits);
      if (found) return found;
      const last = this.output.slice(-5).join('\n');
      if (this.#isGone)
        throw new Error(`${this.role} ended before it logged what was waited for; it said last:\n${last}`);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new Error(`${this.role} did not log what was waited for in ${limitMs} ms; last:\n${last}`);
      await this.#nextLine(leftMs);
    }
  }

  /** Sends a signal to the process that was started, as `docker stop` and systemd do. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Nobody reads its output any more: what it writes gets EPIPE, as after the end of a log shipper. */
  closeOutput(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  /** Sends SIGTERM and resolves when the process has drained and ended. */
  async stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.isRunning) this.signal('SIGTERM');
    return await this.ended;
  }

  /** Sends SIGKILL to the process and its children, as when a container or a machine dies. */
  async kill(): Promise<void> {
    if (this.isRunning) process.kill(-this.pid, 'SIGKILL');
    await this.ended;
  }

  /** Kills the remaining processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.#watchdog.guard(undefined);
    await this.#watchdog.finish();
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }

  async #nextLine(limitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, limitMs);
    this.#waiting.add(resolve);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seconds } from '../../src/lib/duration.ts';
import { Watchdog } from '../../src/testing/servers/watchdog.ts';
import { type Usage, usageOfGroup } from './process-usage.ts';

/** The messages from and to the processes of `bench/contestants/`. */
export type FromContestant = { kind: 'ready' } | { kind: 'latencies'; ms: number[] };
export type ToContestant = { kind: 'latencies' };

type Env = Readonly<Record<string, string>>;

const START_LIMIT_MS = seconds(30);

/** One worker under measurement, in a process group of its own. Its output is read, as a container's is, and thrown away. */
export class Contestant implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #watchdog: Watchdog;

  private constructor(child: ChildProcess, watchdog: Watchdog) {
    this.#child = child;
    this.#watchdog = watchdog;
  }

  /** Starts `bench/contestants/<file>`; resolves when it takes work. */
  static async node(file: string, env: Env): Promise<Contestant> {
    const module = fileURLToPath(new URL(`../contestants/${file}`, import.meta.url));
    const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'inherit', 'ipc'];
    const flags = process.env.BENCH_NODE_FLAGS?.split(' ') ?? [];
    const contestant = await Contestant.#spawn(process.execPath, [...flags, module], { env, stdio });
    await contestant.#next('ready');
    return contestant;
  }

  /** Starts another program. The caller has to find out when it is ready. */
  static async program(command: string, args: readonly string[], env: Env, cwd: string): Promise<Contestant> {
    return await Contestant.#spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  static async #spawn(command: string, args: readonly string[], options: SpawnOptions): Promise<Contestant> {
    const env = { PATH: process.env.PATH, ...options.env };
    const child = spawn(command, args, { ...options, env, detached: true });
    await once(child, 'spawn');
    child.stdout?.resume();
    child.stderr?.resume();
    const watchdog = new Watchdog(await mkdtemp(join(tmpdir(), 'task-worker-bench-')), 'KILL');
    watchdog.guard(-child.pid!);
    return new Contestant(child, watchdog);
  }

  /** Freezes it in the middle of its work, while more work is queued. */
  freeze(): void {
    process.kill(-this.#child.pid!, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(-this.#child.pid!, 'SIGCONT');
  }

  async usage(): Promise<Usage> {
    return await usageOfGroup(this.#child.pid!);
  }

  /** Milliseconds from dispatch to start of every task since the last call. */
  async latencies(): Promise<number[]> {
    const answer = this.#next('latencies');
    this.#child.send({ kind: 'latencies' } satisfies ToContestant);
    return (await answer).ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone =
      this.#child.exitCode === null && this.#child.signalCode === null ? once(this.#child, 'exit') : undefined;
    if (gone) process.kill(-this.#child.pid!, 'SIGTERM');
    this.thaw();
    const killer = setTimeout(() => process.kill(-this.#child.pid!, 'SIGKILL'), seconds(5));
    await gone;
    clearTimeout(killer);
    this.#watchdog.guard(undefined);
    await this.#watchdog.finish();
  }

  async #next<K extends FromContestant['kind']>(kind: K): Promise<Extract<FromContestant, { kind: K }>> {
    const { promise, resolve, reject } = Promise.withResolvers<Extract<FromContestant, { kind: K }>>();
    const listen = (message: FromContestant): void => {
      if (message.kind === kind) resolve(message as Extract<FromContestant, { kind: K }>);
    };
    const ended = (): void =>
      reject(new Error(`contestant ${this.#child.spawnargs.at(-1)} ended before it was ${kind}`));
    const timer = setTimeout(ended, START_LIMIT_MS);
    this.#child.on('message', listen).once('exit', ended);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#child.off('message', listen).off('exit', ended);
    }
  }
}

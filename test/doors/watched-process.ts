import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LiveTold } from './live-asker.ts';
import { mainThread } from './main-thread.ts';

/** What a time limit is held against. */
export type Watched = LiveTold & {
  /** Processor time of the main thread, which is how long everything else had to wait for it. */
  readonly workMs: number;
  /** Growth of the process' largest memory over what it had before. */
  readonly grownMb: number;
};

const ASKER = fileURLToPath(new URL('live-asker.ts', import.meta.url));

/** A process whose work, memory and answers of `/health/live` are measured while something is done to it. */
export class WatchedProcess implements AsyncDisposable {
  readonly #pid: number;
  readonly #asker: ChildProcess;
  /** Rejects where the asker ends before it is told to. */
  readonly #broken: Promise<never>;

  private constructor(pid: number, asker: ChildProcess) {
    this.#pid = pid;
    this.#asker = asker;
    this.#broken = once(asker, 'exit').then(() => {
      throw new Error('/health/live does not answer: the output of live-asker.ts above says why');
    });
    this.#broken.catch(() => undefined);
  }

  /** Resolves when `/health/live` has answered once. */
  static async start(pid: number, httpUrl: string): Promise<WatchedProcess> {
    const started = new WatchedProcess(pid, fork(ASKER, [String(pid), httpUrl], { execArgv: [] }));
    await started.#told();
    return started;
  }

  /** Measures during `work`. Throws where one question has no answer. */
  async during<T>(work: () => Promise<T>): Promise<Watched & { result: T }> {
    const before = { thread: mainThread(this.#pid), kb: this.#memory('VmRSS') };
    // Writing 5 sets the peak back to what is in use now: proc_pid_clear_refs(5).
    writeFileSync(`/proc/${this.#pid}/clear_refs`, '5');
    const told = this.#told();
    told.catch(() => undefined);
    this.#asker.send('begin');
    const result = await work().finally(() => this.#asker.send('end'));
    const { asked, liveMs } = await told;
    const workMs = mainThread(this.#pid).ranMs - before.thread.ranMs;
    return { asked, liveMs, workMs, grownMb: (this.#memory('VmHWM') - before.kb) / 1024, result };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#asker.disconnect();
    await this.#broken.catch(() => undefined);
  }

  async #told(): Promise<LiveTold> {
    const [told] = await Promise.race([once(this.#asker, 'message'), this.#broken]);
    return told as LiveTold;
  }

  #memory(field: 'VmRSS' | 'VmHWM'): number {
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8'))![1]);
  }
}

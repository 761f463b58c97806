import type { ServerProcess } from './server-process.ts';

/** A private server on 127.0.0.1. It ends with the process that started it, even after a SIGKILL. */
export class LocalServer implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The server's own temporary folder: data and logs (`log-1`, `log-2` … one for each start). */
  readonly dir: string;
  readonly #process: ServerProcess;

  constructor(options: { url: string; port: number; dir: string; process: ServerProcess }) {
    this.url = options.url;
    this.port = options.port;
    this.dir = options.dir;
    this.#process = options.process;
  }

  /** The process id; undefined while it does not run. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Stops it in order, without waiting for clients. The data stay for `restart`. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  /** Stops it if it runs, starts it on the same port and data, and resolves when it serves clients. */
  async restart(): Promise<void> {
    await this.#process.stop();
    await this.#process.start();
  }

  /** Ends it with SIGKILL, like a crash. `restart` recovers from it. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Freezes it (SIGSTOP): connections stay open without answers. */
  pause(): void {
    this.#process.signal('SIGSTOP');
  }

  /** Continues it after `pause`. */
  resume(): void {
    this.#process.signal('SIGCONT');
  }

  /** Stops it permanently and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.dispose();
  }
}

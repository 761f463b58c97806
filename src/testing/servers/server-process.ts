import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import type { ServerAccount } from './server-account.ts';
import { Watchdog } from './watchdog.ts';

/** The command that runs one server in the foreground. */
export interface ServerCommand {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The server's own folder, removed at the end. */
  readonly folder: string;
  readonly account: ServerAccount | undefined;
  /** The signal for an orderly end that does not wait for clients. */
  readonly stopSignal: NodeJS.Signals;
  /** The signal that ends it at once, for the watchdog. */
  readonly abortSignal: 'QUIT' | 'KILL';
  /** The log has this line once the server serves clients. Default: the lines of PostgreSQL and Redis. */
  readonly ready?: RegExp;
  /** The log of a failed start has this line while parts of a killed run still exist, so the start is repeated. */
  readonly remains?: RegExp;
}

/** The server refused to start; `log` is its output. */
export class ServerStartError extends Error {
  override name = 'ServerStartError';
  readonly log: string;

  constructor(title: string, log: string) {
    super(`${title}: ended before it was ready; its log ends with: ${log.trim().split('\n').slice(-3).join(' | ')}`);
    this.log = log;
  }
}

/** PostgreSQL and Redis log this once the data are loaded and they serve clients. A sentinel logs its id instead. */
const READY = /ready to accept connections|Sentinel ID is/i;
/** Long enough for a server on a loaded machine that recovers after a kill. */
const START_LIMIT_MS = seconds(60);
/** An orderly end takes milliseconds here. After this time the server is killed. */
const STOP_LIMIT_MS = seconds(10);
/** The time in which the parts of a killed run must end. */
const REMAINS_LIMIT_MS = seconds(10);
/** The interval of reading the log during a start. No file event works on every file system. */
const LOOK_EVERY_MS = 10;

/** The environment excludes our own: a caller's PGPORT or PGOPTIONS must not reach a server of tests. */
export const SERVER_ENVIRONMENT = { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' };

/** One server as a child process, started, stopped, killed and started again on the same folder. */
export class ServerProcess {
  readonly #server: ServerCommand;
  readonly #watchdog: Watchdog;
  #child: ChildProcess | undefined;
  #starts = 0;

  constructor(server: ServerCommand) {
    this.#server = server;
    this.#watchdog = new Watchdog(server.folder, server.abortSignal);
  }

  /** The running server's process id. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when clients are served. Throws `ServerStartError` where the server ends instead. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.#server.title}: start: it is running already, as process ${this.pid}`);
    const deadline = Date.now() + REMAINS_LIMIT_MS;
    for (;;) {
      try {
        return await this.#startOnce();
      } catch (error) {
        const again = error instanceof ServerStartError && this.#server.remains?.test(error.log);
        if (!again || Date.now() > deadline) throw error;
        await delay(LOOK_EVERY_MS);
      }
    }
  }

  /** Ends it in order; does nothing when it is not running. */
  async stop(): Promise<void> {
    await this.#end(this.#server.stopSignal);
  }

  /** Sends SIGKILL and resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Sends any signal, such as SIGSTOP and SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#child?.kill(signal))
      throw new Error(`${this.#server.title}: ${signal}: it is not running; start it first`);
  }

  /** Stops the server permanently and removes its folder. */
  async dispose(): Promise<void> {
    await this.stop();
    await this.#watchdog.finish();
  }

  async #startOnce(): Promise<void> {
    const { command, args, folder, account } = this.#server;
    this.#starts += 1;
    const logFile = join(folder, `log-${this.#starts}`);
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, {
      ...account,
      cwd: folder,
      // Detached, so that a Ctrl-C reaches this process first, which stops the server in order.
      detached: true,
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await once(child, 'spawn');
    this.#child = child;
    this.#watchdog.guard(child.pid);
    child.once('exit', () => {
      this.#watchdog.guard(undefined);
      this.#child = undefined;
    });
    await this.#ready(logFile);
    child.unref();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.ref();
    const gone = once(child, 'exit');
    const tooLate = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    child.kill(signal);
    child.kill('SIGCONT');
    await gone;
    clearTimeout(tooLate);
  }

  async #ready(logFile: string): Promise<void> {
    const deadline = Date.now() + START_LIMIT_MS;
    for (;;) {
      const running = this.#child !== undefined;
      const log = await readFile(logFile, 'utf8');
      if (!running) throw new ServerStartError(this.#server.title, log);
      if ((this.#server.ready ?? READY).test(log)) return;
      if (Date.now() > deadline) {
        await this.kill();
        throw new ServerStartError(this.#server.title, `${log}\nnot ready after ${START_LIMIT_MS} ms`);
      }
      await delay(LOOK_EVERY_MS);
    }
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Reads the pid of the server to guard, one per line (an empty line: none). When the pipe closes, which the kernel does however the other
 * end dies, it ends the server, waits up to 5 s and removes the server's folder.
 */
const SCRIPT = `
signal=$1 folder=$2 pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -s "$signal" -- "$pid"
  kill -s CONT -- "$pid"
  tries=0
  while kill -0 "$pid" && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
  kill -s KILL -- "$pid"
fi 2>/dev/null
rm -rf "$folder"
`;

/**
 * A tiny shell process that outlives this one by a moment. It ends a server and removes its folder once this process is gone, even after
 * SIGKILL, when no handler can run.
 */
export class Watchdog {
  readonly #shell: ChildProcess;

  /** `signal` must end the server at once, without waiting for its clients. */
  constructor(folder: string, signal: 'QUIT' | 'KILL') {
    // Detached, so that it survives a Ctrl-C or a kill of our whole process group and can do its work.
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', signal, folder], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A killed watchdog does not read the pipe. Then this process alone ends the server.
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
  }

  /** Sets the process to end, or with a negative number the process group; undefined for none. */
  guard(pid: number | undefined): void {
    this.#shell.stdin?.write(`${pid ?? ''}\n`);
  }

  /** Ends the guarded process, removes the folder, and resolves when that is done. */
  async finish(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    this.#shell.ref();
    const gone = once(this.#shell, 'exit');
    this.#shell.stdin?.end();
    await gone;
  }
}

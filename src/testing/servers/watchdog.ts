import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Reads the pid of the server to guard, one per line (an empty line: none). When the pipe closes, which the kernel does
 * however its other end dies, it ends the server, waits up to 5 s and removes the server's folder.
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
 * A tiny shell process that outlives us by a moment: it ends a server and removes its folder once we are gone, also
 * after SIGKILL, when no handler of ours can run.
 */
export class Watchdog {
  readonly #shell: ChildProcess;

  /** `signal` must end the server at once, without waiting for its clients. */
  constructor(folder: string, signal: 'QUIT' | 'KILL') {
    // Detached, so that a Ctrl-C or a kill of our whole process group leaves it alive to do its work.
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', signal, folder], {
      detached: true,
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    // A watchdog that somebody killed can not be told anything; the server is then ours alone to end.
    this.#shell.stdin?.on('error', () => undefined);
    this.#shell.unref();
  }

  /** From now on this process is the one to end, or with a negative number that process group; `undefined`: none. */
  guard(pid: number | undefined): void {
    this.#shell.stdin?.write(`${pid ?? ''}\n`);
  }

  /** Ends what is guarded, removes the folder, and resolves when that is done. */
  async finish(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    this.#shell.ref();
    const gone = once(this.#shell, 'exit');
    this.#shell.stdin?.end();
    await gone;
  }
}

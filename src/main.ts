#!/usr/bin/env node
import { once } from 'node:events';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/**
 * Makes V8 collect sooner instead of growing: a worker is idle most of the time, and a sweep over 100,000 users leaves mostly garbage.
 * The young generation stays at its first size, the old one may grow by a quarter between two collections. With a young generation of 4 MiB
 * less time goes into collecting, but an idle process took 12 MB more, and an export half as long again (`bench/export.ts`).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=25');
}

/**
 * Keeps compiled code beside the package, which an image does when it is built: types are stripped and modules compiled once, not at each
 * start. Where that folder can not be written to, it is read all the same. `NODE_COMPILE_CACHE` names another, `NODE_DISABLE_COMPILE_CACHE=1`
 * does without (https://nodejs.org/api/module.html#module-compile-cache). After the flags above: code is good for one set of them.
 */
function keepCompiledCode(): void {
  enableCompileCache(join(import.meta.dirname, '../.cache/compiled'));
}

/**
 * The drain takes 12 s at most; what is left after this hangs on a connection that nobody answers. Below the 30 s after which
 * orchestrators kill.
 */
const STOP_LIMIT_MS = 22_000;

if (import.meta.main) {
  keepHeapSmall();
  keepCompiledCode();
  // Listened to before the rest is loaded: the first process of a container gets no signal that it does not listen to.
  const stop = Promise.race(['SIGTERM', 'SIGINT'].map(async (signal) => once(process, signal).then(() => signal)));
  void stop.then(() => setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref());
  const terminal = {
    env: process.env,
    stdout: (text: string) => void process.stdout.write(text),
    stderr: (text: string) => void process.stderr.write(text),
    ...(process.stdout.isTTY && { screen: { isColored: process.stdout.hasColors(), columns: process.stdout.columns } }),
    stop,
  };
  const argv = process.argv.slice(2);
  // A container is asked for its health twice a minute, and the whole command line takes a second of processor time to load.
  process.exitCode =
    argv[0] === 'health'
      ? await (await import('./app/health-command.ts')).health.run(argv, terminal)
      : await (await import('./app/command-line.ts')).runCommandLine(argv, terminal);
  // What is left by now is a handler that did not listen to its signal; its job is taken over when its lock runs out.
  process.exit();
}

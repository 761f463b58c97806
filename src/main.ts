#!/usr/bin/env node
import { once } from 'node:events';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { keepYoungGenerationSmall } from './lib/heap-keeper.ts';

/**
 * Makes V8 collect sooner instead of growing: a worker is idle most of the time, and a sweep over 100,000 users leaves mostly garbage. The
 * young generation stays at its first size until a `HeapKeeper` lets it grow; the old one may grow by a quarter between two
 * collections.
 */
export function keepHeapSmall(): void {
  keepYoungGenerationSmall();
  setFlagsFromString('--heap-growing-percent=25');
}

/**
 * For a process that runs no jobs, a scheduler or a supervisor: its code runs too rarely to be worth a second, machine-code form of each
 * function, which takes 3 MB.
 */
function keepHeapSmallest(): void {
  setFlagsFromString('--no-sparkplug');
  setFlagsFromString('--optimize-for-size');
}

/**
 * Keeps compiled code beside the package, so that types are stripped and modules compiled once, not at each start; an image does it when it
 * is built. A folder that cannot be written to is still read. `NODE_COMPILE_CACHE` names another folder, `NODE_DISABLE_COMPILE_CACHE=1`
 * switches the cache off (https://nodejs.org/api/module.html#module-compile-cache). Called after the flags above, because compiled code is
 * valid for one set of them.
 */
function keepCompiledCode(): void {
  enableCompileCache(join(import.meta.dirname, '../.cache/compiled'));
}

/**
 * The drain takes 12 s at most; anything that remains after this limit hangs on a connection that nobody answers. Below the 30 s after
 * which orchestrators kill.
 */
const STOP_LIMIT_MS = 22_000;

if (import.meta.main) {
  const argv = process.argv.slice(2);
  const [name, ...rest] = argv;
  keepHeapSmall();
  if (name === 'scheduler' || (name === 'worker' && process.env.WORKER_CONCURRENCY !== '1')) keepHeapSmallest();
  keepCompiledCode();
  // The reader of a pipe that is gone, or a full disk, must not end the work.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined);
  // The listeners come before the rest is loaded: the first process of a container gets no signal that it does not listen to.
  const stop = Promise.race(['SIGTERM', 'SIGINT'].map(async (signal) => once(process, signal).then(() => signal)));
  void stop.then(() => setTimeout(() => process.exit(0), STOP_LIMIT_MS).unref());
  const terminal = {
    env: process.env,
    stdout: (text: string) => void process.stdout.write(text),
    stderr: (text: string) => void process.stderr.write(text),
    ...(process.stdout.isTTY && { screen: { isColored: process.stdout.hasColors(), columns: process.stdout.columns } }),
    stop,
  };
  // A bundle; a checkout runs its sources as they are.
  if (import.meta.filename.endsWith('.js')) (await import('./lib/source-places.ts')).tellSourcePlaces();
  const isRole = name === 'worker' || name === 'scheduler' || name === 'all' || name === 'worker-process';
  // A role would hold the rest of the command line in memory, and a container's health check would load it twice a minute.
  if (name === 'health') process.exitCode = await (await import('./app/health-command.ts')).health.run(argv, terminal);
  else if (isRole && rest.length === 0)
    process.exitCode = await (await import('./app/role-command.ts')).runRoleCommand(name, terminal);
  else process.exitCode = await (await import('./app/command-line.ts')).runCommandLine(argv, terminal);
  // Only a handler that ignored its signal is left here; its job is taken over when its lock expires.
  process.exit();
}

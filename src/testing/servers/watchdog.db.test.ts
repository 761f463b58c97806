import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';

/** Starts the servers that it is told to, prints their addresses, and then runs until it is ended. */
const PARENT = `
  process.on('message', () => { throw new Error('uncaught, on purpose'); });
  const starts = {
    postgres: async () => (await import('${new URL('postgres.ts', import.meta.url)}')).startPostgres(),
    redis: async () => (await import('${new URL('redis.ts', import.meta.url)}')).startRedis(),
  };
  const servers = await Promise.all(process.argv.slice(1).map((name) => starts[name]()));
  console.log(JSON.stringify(servers.map(({ pid, dir }) => ({ pid, dir }))));
`;

const cases = [
  { how: 'by SIGKILL', names: ['postgres', 'redis'], end: (parent: ChildProcess) => parent.kill('SIGKILL') },
  { how: 'by SIGINT', names: ['redis'], end: (parent: ChildProcess) => parent.kill('SIGINT') },
  { how: 'by an uncaught error', names: ['redis'], end: (parent: ChildProcess) => parent.send('throw') },
];

test.each(cases)('when a process ends $how, the servers it started and their folders go', async ({ names, end }) => {
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', PARENT, ...names], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  const [line] = await once(createInterface({ input: parent.stdout! }), 'line');
  const servers: { pid: number; dir: string }[] = JSON.parse(line);
  expect(servers.map(({ pid }) => isRunning(pid))).toEqual(names.map(() => true));
  end(parent);
  await vi.waitUntil(() => servers.every(({ pid, dir }) => !isRunning(pid) && !existsSync(dir)), { timeout: 10_000 });
});

/** A process that has ended but was not collected yet (a zombie) has an empty command line. */
function isRunning(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && readFileSync(file, 'utf8') !== '';
}

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { postgresBinFolder, redisBinary } from '../../src/testing/servers/binaries.ts';

/** The machine that the figures come from, without which they say nothing. */
export type Machine = {
  cpu: string;
  cores: number;
  memoryGib: number;
  kernel: string;
  /** The load of the last minute before the measure began. Above the number of cores, other programs were working too. */
  load: number;
  node: string;
  redis: string;
  postgres: string;
  bullmq: string;
};

export async function describeMachine(): Promise<Machine> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: Math.round(loadavg()[0]! * 10) / 10,
    node: process.version,
    redis: await versionOf(redisBinary()),
    postgres: await versionOf(join(postgresBinFolder(), 'postgres')),
    bullmq: await installed('bullmq'),
  };
}

/** The first number with dots in what `--version` prints. */
async function versionOf(binary: string): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, ['--version']);
  return /\d+(\.\d+)+/.exec(stdout)?.[0] ?? stdout.trim();
}

async function installed(name: string): Promise<string> {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
}

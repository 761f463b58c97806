import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import type { Original, Project } from './snapshot.ts';

const FILE = 'lab.json';

/** Where a started platform is. Recorders run in processes of their own, so that a start of minutes is not repeated for each try. */
export type Lab = {
  readonly work: string;
  readonly backendUrl: string;
  readonly workerMetricsUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly cryptobotToken: string;
  readonly originals: Readonly<Record<Project, Original>>;
  /** The environments that the originals' processes were started with. */
  readonly env: Readonly<Record<Project, Readonly<Record<string, string>>>>;
};

export async function writeLab(lab: Lab): Promise<void> {
  await writeFile(join(lab.work, FILE), `${JSON.stringify(lab, null, 2)}\n`);
}

export async function readLab(work: string): Promise<Lab> {
  const path = join(work, FILE);
  const text = await readFile(path, 'utf8').catch(() => {
    throw new Error(`${path} is not there; run node tools/originals/main.ts first and leave it running`);
  });
  return JSON.parse(text) as Lab;
}

/** A lab with connections to its servers. */
export class OpenLab implements AsyncDisposable {
  readonly lab: Lab;
  readonly pool: Pool;
  readonly redis: Redis;

  constructor(lab: Lab) {
    this.lab = lab;
    this.pool = new Pool({ connectionString: lab.databaseUrl });
    this.redis = new Redis(lab.redisUrl);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
    await this.pool.end();
  }
}

import { setInterval as ticks } from 'node:timers/promises';
import { Client } from 'pg';
import { until } from '../src/testing/until.ts';
import { World } from '../src/testing/world/world.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { rounds, type Scale } from './harness/scale.ts';
import { percentile } from './harness/statistics.ts';

/** The write interval of a busy platform. Each write is a commit of its own, synced to disk. */
const WRITE_EVERY_MS = 5;
/** The time for which the writer is measured, without the clean-up and during it. The clean-up takes minutes at a steady pace. */
const WINDOW_MS: Readonly<Record<Scale, number>> = { full: 10_000, small: 2_000 };
const TASK_LIMIT_MS = 300_000;

/** One table with an index on its age, and one without. */
const TABLES: readonly { task: string; name: string; fill: string; write: string }[] = [
  {
    task: 'archive_old_audit_logs',
    name: 'audit_logs',
    fill: `insert into audit_logs (id, action, entity_type, entity_id, new_value, ip_address, created_at)
           select gen_random_uuid(), 'user.updated', 'user', n::text, jsonb_build_object('pad', repeat(md5(n::text), 4)),
                  '127.0.0.1', now() - interval '400 days' + n * interval '1 second'
             from generate_series(1, $1::int) as n`,
    write: `insert into audit_logs (id, action, entity_type, entity_id, created_at)
            values (gen_random_uuid(), 'bench', 'user', '1', now())`,
  },
  {
    task: 'cleanup_expired_tokens',
    name: 'refresh_tokens',
    fill: `insert into refresh_tokens (id, user_id, token_hash, expires_at)
           select gen_random_uuid(), (select id from admin_users limit 1), md5(n::text), now() - interval '1 day'
             from generate_series(1, $1::int) as n`,
    write: `insert into refresh_tokens (id, user_id, token_hash, expires_at)
            values (gen_random_uuid(), (select id from admin_users limit 1), 'bench', now() + interval '30 days')`,
  },
];

export const measure: Measure = {
  title: 'cleanup of 1,000,000 old rows while another client writes: its p99 against its p99 without cleanup',
  limits:
    'The pause after each batch of a thousand rows, 150 times as long as the batch took: cleaning up is slow on purpose, so that fewer than one write in a hundred meets a batch. At some 2,300 rows a second a million take seven minutes. No index is used: the walk goes through the table once, in the order of the disk.',

  async run(scale) {
    const rows = scale === 'full' ? 1_000_000 : 50_000;
    await using world = await World.start({ durable: true, seed: true, env: { LOG_LEVEL: 'INFO' } });
    const worker = await world.startWorker();
    const figures: Figure[] = [];
    for (const table of TABLES) {
      const found = {
        normal: [] as number[],
        during: [] as number[],
        ratio: [] as number[],
        perSecond: [] as number[],
      };
      for (let round = 0; round < rounds(scale); round += 1) {
        await world.pool.query(`truncate ${table.name}`);
        await world.pool.query(table.fill, [rows]);
        await world.pool.query(`vacuum analyze ${table.name}`);
        await world.pool.query('checkpoint');
        const normal = await latencies(world.databaseUrl, table.write, AbortSignal.timeout(WINDOW_MS[scale]));
        const { stdout } = await world.command(['dispatch', table.task, '--json']);
        const { job_id: jobId } = JSON.parse(stdout) as { job_id: string };
        const left = async (): Promise<number> =>
          Number((await world.pool.query(`select count(*) from ${table.name}`)).rows[0].count);
        await until('it deletes', async () => (await left()) < rows);
        const before = await left();
        const startedAt = performance.now();
        const during = await latencies(world.databaseUrl, table.write, AbortSignal.timeout(WINDOW_MS[scale]));
        // The rows that the writer wrote meanwhile still exist.
        const deleted = before + during.length - (await left());
        found.perSecond.push(deleted / ((performance.now() - startedAt) / 1000));
        // The remaining rows are truncated, because the walk over an empty table ends soon.
        await world.pool.query(`truncate ${table.name}`);
        const line = await worker.untilLogged(
          ({ job_id: job, msg }) => job === jobId && msg.startsWith('task '),
          TASK_LIMIT_MS,
        );
        if (line.msg !== 'task done' || deleted <= 0)
          throw new Error(`the clean-up did not end well: ${JSON.stringify(line)}`);
        found.normal.push(percentile(normal, 99));
        found.during.push(percentile(during, 99));
        found.ratio.push(found.during.at(-1)! / found.normal.at(-1)!);
      }
      figures.push(
        { what: `${table.name}: writer's p99, without`, unit: 'ms', samples: found.normal },
        { what: `${table.name}: writer's p99, during`, unit: 'ms', samples: found.during },
        { what: `${table.name}: during ÷ without`, unit: '×', samples: found.ratio, bar: { atMost: 1.5 } },
        { what: `${table.name}: rows deleted`, unit: '/s', samples: found.perSecond },
      );
    }
    return {
      figures,
      notes: [
        `The writer inserts into the same table, one commit every ${WRITE_EVERY_MS} ms, synced to disk.`,
        'Server, worker and writer share the cores. Without: right before each clean-up, on the same full table.',
        `The writer is watched for ${WINDOW_MS[scale] / 1000} s before and during; the clean-up goes at one pace from the first row to the last.`,
        'audit_logs has an index on created_at, refresh_tokens none on its age. AUDIT_ARCHIVE is off.',
      ],
    };
  },
};

/** The duration of each write in milliseconds, one write at a time, until the signal fires. */
async function latencies(url: string, write: string, until: AbortSignal): Promise<number[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const samples: number[] = [];
  for await (const _ of ticks(WRITE_EVERY_MS)) {
    const startedAt = performance.now();
    await client.query({ name: 'write', text: write });
    samples.push(performance.now() - startedAt);
    if (until.aborted) break;
  }
  await client.end();
  return samples;
}

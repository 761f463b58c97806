import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PAYMENTS_QUERY } from '../src/repositories/export-rows.ts';
import type { RoleProcess } from '../src/testing/world/role-process.ts';
import { World } from '../src/testing/world/world.ts';
import type { Figure, Measure } from './harness/measure.ts';
import { residentMbUntil } from './harness/process-usage.ts';
import { rounds } from './harness/scale.ts';
import { ratios, sideBySide } from './harness/side-by-side.ts';
import { median } from './harness/statistics.ts';

const run = promisify(execFile);

const FORMATS = ['csv', 'json'] as const;
type Format = (typeof FORMATS)[number];

const IDLE_FOR_MS = 10_000;
const EXPORT_LIMIT_MS = 600_000;

/** Half a year of a platform far larger than ours: most fields filled, as real ones are. */
const FILL = `
  insert into payments (id, external_id, user_uuid, amount, final_amount, currency, status, provider, subscription_days, plan_id, created_at, updated_at)
  select gen_random_uuid(), 'IV' || n, gen_random_uuid(), 1 + n % 500 + 0.25, 1 + n % 500, 'USDT', 'completed', 'cryptobot', 30,
         gen_random_uuid(), now() - n * interval '15 seconds', now() - n * interval '15 seconds' + interval '2 minutes'
    from generate_series(1, $1::int) as n`;

export const measure: Measure = {
  title: 'export of 1,000,000 payments: memory above idle, and time against `psql \\copy` of the same query',
  limits:
    'PostgreSQL, which sorts and writes the text of each row, and shares the cores with the worker; then the disk, to which the worker syncs the file, as `psql` does not. The worker writes plain rows on as bytes (0.6 µs a row in CSV, 0.8 in JSON) and sees to it that no cell is a formula and that quotes and line ends are as RFC 4180 has them; a row that needs either is written cell by cell. Memory is the heap and buffers of some blocks under way; it does not grow with the rows.',

  async run(scale) {
    const rows = scale === 'full' ? 1_000_000 : 50_000;
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'task-worker-exports-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const world = stack.use(await World.start({ durable: true, env: { EXPORT_DIR: folder, LOG_LEVEL: 'INFO' } }));
    await world.pool.query(FILL, [rows]);
    await world.pool.query('vacuum analyze payments');
    await world.pool.query('checkpoint');
    const worker = await world.startWorker();
    const idleMb = median(await residentMbUntil(worker.pid, AbortSignal.timeout(IDLE_FOR_MS)));

    const aboveIdleMb: Record<Format, number[]> = { csv: [], json: [] };
    const bytes: Record<Format, number[]> = { csv: [], json: [] };
    const exported = async (format: Format): Promise<number> => {
      const done = new AbortController();
      const sampling = residentMbUntil(worker.pid, done.signal);
      const { exportId, seconds } = await exportOnce(world, worker, format, rows);
      done.abort();
      aboveIdleMb[format].push(Math.max(...(await sampling)) - idleMb);
      const path = join(folder, `${exportId}.${format}`);
      await assertWhole(path, format, rows);
      bytes[format].push((await stat(path)).size / 1e6);
      await rm(path);
      return seconds;
    };
    const samples = await sideBySide(
      {
        copy: () => copyOnce(world.databaseUrl, join(folder, 'copy.csv')),
        csv: () => exported('csv'),
        json: () => exported('json'),
      },
      rounds(scale),
    );
    return {
      figures: [
        { what: 'idle', unit: 'MB', samples: [idleMb] },
        { what: 'psql \\copy', unit: 's', samples: samples.copy },
        ...FORMATS.flatMap((format): Figure[] => [
          { what: `${format}: memory above idle`, unit: 'MB', samples: aboveIdleMb[format], bar: { neverOver: 64 } },
          { what: `${format}: time`, unit: 's', samples: samples[format] },
          {
            what: `${format}: time ÷ \\copy`,
            unit: '×',
            samples: ratios(samples[format], samples.copy),
            bar: { atMost: 2 },
          },
          { what: `${format}: size`, unit: 'MB', samples: bytes[format] },
        ]),
      ],
      notes: [
        `${rows} rows of 12 columns, in order of creation; both formats are held against \\copy to csv, which does less.`,
        'Time is what the task logs, from its start to the file synced to disk; \\copy is the run of psql, which syncs nothing.',
        'Memory is the resident set of the worker process, sampled every 20 ms in warm-up rounds too; idle is its median over 10 s.',
        'PostgreSQL, worker and psql share the cores. Every file is read back, row by row, and counted.',
      ],
    };
  },
};

async function exportOnce(world: World, worker: RoleProcess, format: Format, rows: number) {
  const payload = JSON.stringify({ export_type: 'payments', format });
  const { stdout } = await world.command(['dispatch', 'generate_data_export', '--payload', payload, '--json']);
  const { job_id: jobId } = JSON.parse(stdout) as { job_id: string };
  const line = await worker.untilLogged(
    ({ job_id: job, msg }) => job === jobId && msg.startsWith('task '),
    EXPORT_LIMIT_MS,
  );
  if (line.msg !== 'task done' || line.rows !== rows)
    throw new Error(`the export did not end well: ${JSON.stringify(line)}`);
  return { exportId: jobId, seconds: Number(line.seconds) };
}

/** Seconds that psql takes to write the same rows to a file. */
async function copyOnce(url: string, file: string): Promise<number> {
  const query = PAYMENTS_QUERY.replaceAll(/\s+/g, ' ').trim();
  const env = { ...process.env, PGOPTIONS: '-c task_worker.export_from=-infinity -c task_worker.export_to=infinity' };
  const startedAt = performance.now();
  await run(
    'psql',
    ['--no-psqlrc', '--quiet', url, '--command', `\\copy (${query}) to '${file}' with (format csv, header)`],
    { env },
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await rm(file);
  return seconds;
}

/** Throws unless the file has every row in its format: one line each with the cells of the first line, between the parts at both ends. */
async function assertWhole(path: string, format: Format, rows: number): Promise<void> {
  let found = 0;
  let columns: number | undefined;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    // None of these values holds a line end, a comma or a quote.
    if (format === 'json' && !line.startsWith('{')) continue;
    const cells = format === 'csv' ? line.split(',') : Object.keys(JSON.parse(line.replace(/,$/, '')) as object);
    columns ??= cells.length;
    if (cells.length !== columns) throw new Error(`${path}: a row of ${cells.length} cells: ${line}`);
    if (format === 'json' || !line.startsWith('id,')) found += 1;
  }
  if (found !== rows) throw new Error(`${path}: ${found} rows instead of ${rows}`);
}

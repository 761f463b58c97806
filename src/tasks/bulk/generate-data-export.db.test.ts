import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PanelSandbox, startPanelSandbox } from '../../../sandbox/panel/server.ts';
import { hours } from '../../lib/duration.ts';
import { SnoozeError } from '../../lib/errors.ts';
import { CancelledError } from '../../runtime/outcome.ts';
import { listenToBulk } from '../../testing/bulk-events.ts';
import { parseCsv } from '../../testing/rfc4180.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { readXlsx } from '../../testing/xlsx-reader.ts';

const PAYMENTS = 5_000;
const JANUARY = ['2026-01-01', '2026-01-31'];

describe('generate_data_export', () => {
  let world: TestApp;
  let panel: PanelSandbox;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'exports-'));
    panel = await startPanelSandbox({ generation: 2, users: 1_200, nodes: 3 });
    world = await testApp({
      REMNAWAVE_URL: panel.url,
      REMNAWAVE_API_TOKEN: panel.token,
      EXPORT_DIR: join(folder, 'exports'),
      PUBLIC_URL: 'https://ops.example.org',
      API_TOKENS: 'tests:a-token-of-the-tests',
    });
    // One payment an hour, from the first of January on.
    await world.database.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at, updated_at)
       select gen_random_uuid(), n, gen_random_uuid(), 0.1 + n, 'USDT', 'completed', 'cryptobot', 30,
              '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 hour', now()
         from generate_series(0, $1::int - 1) as n`,
      [PAYMENTS],
    );
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await panel.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    await rm(join(folder, 'exports'), { recursive: true, force: true });
    await world.database.pool.query('truncate notification_queue cascade');
    panel.faults();
  });

  const run = (payload: object, options: { jobId: string; signal?: AbortSignal }) =>
    world.run('generate_data_export', payload, options);
  const file = (name: string) => readFile(join(folder, 'exports', name));
  const files = async (): Promise<string[]> =>
    (await readdir(join(folder, 'exports'))).filter((name) => !name.startsWith('.'));
  const messages = async (): Promise<string[]> =>
    (await world.database.pool.query('select message from notification_queue order by created_at')).rows.map(
      ({ message }) => message as string,
    );
  const exports = () => world.app.parts.exportDownloads;

  test('csv: every row is there, parsed back and counted; money is text, dates are ISO 8601 in UTC', async () => {
    const result = await run({ export_type: 'payments' }, { jobId: 'csv-1' });
    const text = (await file('csv-1.csv')).toString();
    expect(result).toEqual({ rows: PAYMENTS, bytes: Buffer.byteLength(text), export_id: 'csv-1' });
    const [header, ...rows] = parseCsv(text);
    expect(rows).toHaveLength(PAYMENTS);
    const first = Object.fromEntries(header!.map((name, i) => [name, rows[1]![i]]));
    expect(first).toMatchObject({ external_id: '1', amount: '1.10000000', created_at: '2026-01-01T01:00:00.000Z' });
  });

  test('json: a valid array with every row', async () => {
    await run({ export_type: 'payments', format: 'json' }, { jobId: 'json-1' });
    const rows = JSON.parse((await file('json-1.json')).toString()) as Record<string, unknown>[];
    expect(rows).toHaveLength(PAYMENTS);
    expect(rows[0]).toMatchObject({ amount: '0.10000000', subscription_days: 30, final_amount: null });
  });

  test('xlsx: a workbook with every row', async () => {
    await run({ export_type: 'payments', format: 'xlsx', gzip: true }, { jobId: 'xlsx-1' });
    const [sheet] = readXlsx(await file('xlsx-1.xlsx'));
    expect(sheet).toHaveLength(PAYMENTS + 1);
    expect(sheet![1]!.map(({ value }) => value)).toContain('0.10000000');
  });

  test('csv_excel: a .csv that a Russian Excel opens in columns, with ids to the last digit', async () => {
    await world.database.pool.query(
      `update payments set external_id = '12345678901234567' where created_at = '2026-01-01T00:00:00Z'`,
    );
    const range = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00Z'];
    await run({ export_type: 'payments', format: 'csv_excel', date_range: range }, { jobId: 'excel-1' });
    const bytes = await file('excel-1.csv');
    expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    const [header, row, ...more] = parseCsv(bytes.toString().slice(1), ';');
    expect(more).toEqual([]);
    const first = Object.fromEntries(header!.map((name, i) => [name, row![i]]));
    expect(first).toMatchObject({ external_id: '="12345678901234567"', amount: '0,10000000', subscription_days: '30' });
    expect(await exports().open('excel-1')).toMatchObject({
      fileName: 'excel-1.csv',
      mediaType: 'text/csv; charset=utf-8',
    });
    await run({ export_type: 'payments', format: 'xlsx', date_range: range }, { jobId: 'excel-2' });
    const [sheet] = readXlsx(await file('excel-2.xlsx'));
    expect(sheet![1]![header!.indexOf('external_id')]).toMatchObject({ kind: 'text', value: '12345678901234567' });
    await run({ export_type: 'payments', format: 'csv_excel', gzip: true, date_range: range }, { jobId: 'excel-3' });
    expect(gunzipSync(await file('excel-3.csv.gz'))).toEqual(bytes);
  });

  test('gzip is optional', async () => {
    const { bytes } = await run({ export_type: 'payments', gzip: true }, { jobId: 'gzip-1' });
    const packed = await file('gzip-1.csv.gz');
    expect(packed.length).toBe(bytes);
    expect(parseCsv(gunzipSync(packed).toString())).toHaveLength(PAYMENTS + 1);
  });

  test('the date range takes the first moment and leaves the one after the last', async () => {
    const count = async (jobId: string, date_range: unknown) =>
      (await run({ export_type: 'payments', date_range }, { jobId })).rows;
    expect(await count('days', JANUARY)).toBe(31 * 24);
    expect(await count('moments', ['2026-01-01T05:00:00Z', '2026-01-01T07:00:00Z'])).toBe(2);
    expect(await count('zones', ['2026-01-01T08:00:00+03:00', '2026-01-01T07:00:00'])).toBe(2);
    expect(await count('open', ['2026-07-28T00:00:00Z', null])).toBe(8);
    expect(await count('nothing', ['2020-01-01', '2020-12-31'])).toBe(0);
    await expect(count('backwards', ['2026-02-01', '2026-01-01'])).rejects.toThrow('must begin before it ends');
  });

  test('users come from the panel, without what opens a subscription; only those created in the range', async () => {
    panel.addUser({ username: '=cmd', expireAt: Date.now() + hours(1), createdAt: Date.parse('2001-05-05T10:00:00Z') });
    const { rows } = await run({ export_type: 'users', format: 'json' }, { jobId: 'users-1' });
    expect(rows).toBe(1_201);
    const text = (await file('users-1.json')).toString();
    expect(text).not.toContain(panel.user('=cmd')!.shortUuid);
    await run({ export_type: 'users', date_range: ['2001-05-05', '2001-05-05'] }, { jobId: 'users-2' });
    const [, ...read] = parseCsv((await file('users-2.csv')).toString());
    expect(read.map(([, name]) => name)).toEqual(["'=cmd"]);
  });

  test('servers as they are now, and the audit log with what was changed', async () => {
    expect(await run({ export_type: 'servers' }, { jobId: 'servers-1' })).toMatchObject({ rows: 3 });
    const entry = { action: 'test.done', entityType: 'test', entityId: '@evil', newValue: { b: ['"', 1] } };
    await world.app.services.auditLogs.write([entry]);
    await run({ export_type: 'audit', format: 'json' }, { jobId: 'audit-1' });
    const rows = JSON.parse((await file('audit-1.json')).toString()) as Record<string, unknown>[];
    expect(rows.find(({ action }) => action === 'test.done')).toMatchObject({
      new_value: { b: ['"', 1] },
      old_value: null,
    });
    await run({ export_type: 'audit' }, { jobId: 'audit-2' });
    expect((await file('audit-2.csv')).toString()).toContain(",'@evil,");
  });

  test('what people wrote comes back to the letter, whatever it does to tables, lines and statements', async () => {
    const written = ['\\N', '\\', 'a\tb\r\nc\\n', "'; drop table audit_logs; --", 'Привет 🔒', ''];
    const entries = written.map((entityId) => ({ action: 'test.written', entityType: 'test', entityId }));
    await world.app.services.auditLogs.write(entries);
    await run({ export_type: 'audit', format: 'json' }, { jobId: 'audit-3' });
    const rows = JSON.parse((await file('audit-3.json')).toString()) as Record<string, unknown>[];
    const read = rows.filter(({ action }) => action === 'test.written').map(({ entity_id: id }) => id);
    expect(new Set(read)).toEqual(new Set(written));
  });

  test('the admin gets a link that is signed, opens this file for a day, and nothing else', async () => {
    await run({ export_type: 'servers' }, { jobId: 'linked' });
    await run({ export_type: 'servers' }, { jobId: 'linked' });
    const [message, ...more] = await messages();
    expect(more).toEqual([]);
    const link = new URL(/href="([^"]+)"/.exec(message!)![1]!.replaceAll('&amp;', '&'));
    expect(link.href).toContain('https://ops.example.org/api/v1/exports/linked?');
    const query = Object.fromEntries(link.searchParams);
    expect(exports().isSigned('linked', query)).toBe(true);
    expect(exports().isSigned('other', query)).toBe(false);
    const until = Number(query.expires) * 1000 - Date.now();
    expect(until).toBeGreaterThan(hours(23.9));
    expect(until).toBeLessThanOrEqual(hours(24));
    const download = (await exports().open('linked'))!;
    expect(download).toMatchObject({ fileName: 'linked.csv', mediaType: 'text/csv; charset=utf-8' });
    const part = Buffer.concat(await (await download.read(0, 3)).toArray()).toString();
    expect(part).toBe('uuid');
    expect(await exports().open('other')).toBeUndefined();
  });

  test('a job id that is no file name makes one that is', async () => {
    const { export_id: id } = await run({ export_type: 'servers' }, { jobId: 'of/../theirs' });
    expect(id).toMatch(/^[\w-]{36}$/);
    expect(await exports().open(String(id))).toMatchObject({ bytes: expect.any(Number) });
  });

  test('progress moves and ends, under the name its producer gave', async () => {
    using heard = await listenToBulk(world.redis);
    await run({ export_type: 'payments', job_id: 'theirs' }, { jobId: 'progress-1' });
    expect(heard.events.at(0)).toMatchObject({ type: 'bulk.progress', data: { job_id: 'theirs', status: 'running' } });
    expect(heard.events[0]!.data.processed).toBeLessThan(PAYMENTS);
    expect(heard.events.at(-1)).toMatchObject({
      type: 'bulk.completed',
      data: { processed: PAYMENTS, total: PAYMENTS },
    });
    expect(await world.app.services.progress.find('theirs')).toMatchObject({
      status: 'completed',
      operation: 'export_payments',
    });
  });

  test('killed half-way no broken file is offered; run again, it is whole', async () => {
    const kill = new AbortController();
    using _heard = await listenToBulk(
      world.redis,
      ({ data }) => data.processed >= 1_000 && kill.abort(new Error('killed')),
    );
    panel.faults({ kind: 'latency', ms: 200, path: '/api/users' });
    await expect(run({ export_type: 'users' }, { jobId: 'cut', signal: kill.signal })).rejects.toThrow();
    expect(await exports().open('cut')).toBeUndefined();
    expect(await files()).toEqual([]);
    panel.faults();
    expect(await run({ export_type: 'users' }, { jobId: 'cut' })).toMatchObject({ rows: 1_201 });
    expect(parseCsv((await file('cut.csv')).toString())).toHaveLength(1_202);
  });

  test.each(['csv', 'json', 'xlsx'] as const)(
    'users as %s while the panel is upgraded and put back: no file until it is whole',
    async (format) => {
      const jobId = `across-${format}`;
      const payload = { export_type: 'users', format };
      const names = panel.users().map(({ username }) => username);
      /** Replaces the panel once it has given the first of two pages. */
      const cut = async (replace: () => void): Promise<unknown> => {
        panel.forgetCalls();
        panel.faults({ kind: 'latency', ms: 300, path: '/api/users' });
        const ended = run(payload, { jobId }).catch((error: unknown) => error);
        await expect.poll(() => pages(), { interval: 5 }).toBeGreaterThan(0);
        replace();
        const end = await ended;
        panel.faults();
        return end;
      };
      const pages = (): number =>
        Object.entries(panel.calls().counts).reduce(
          (n, [call, count]) => n + (/^GET \/api\/users(\/stream)?$/.test(call) ? count : 0),
          0,
        );

      for (const replace of [() => panel.upgrade(), () => panel.restore()]) {
        // The job waits, and the next run begins anew: no file, and no word of one.
        expect(await cut(replace)).toBeInstanceOf(SnoozeError);
        expect(await exports().open(jobId)).toBeUndefined();
        expect(await files()).toEqual([]);
        expect(await messages()).toEqual([]);
      }
      expect(await run(payload, { jobId })).toMatchObject({ rows: names.length });
      expect(await files()).toEqual([`${jobId}.${format}`]);
      const bytes = await file(`${jobId}.${format}`);
      const read = {
        csv: () =>
          parseCsv(bytes.toString())
            .slice(1)
            .map(([, name]) => name),
        json: () => (JSON.parse(bytes.toString()) as { username: string }[]).map(({ username }) => username),
        xlsx: () =>
          readXlsx(bytes)[0]!
            .slice(1)
            .map((row) => row[1]!.value),
      }[format]();
      expect(read).toHaveLength(names.length);
      expect(new Set(read.map((name) => String(name).replace(/^'/, '')))).toEqual(new Set(names));
      expect(await messages()).toEqual([expect.stringContaining('Export is ready')]);
    },
  );

  test('cancelled, there is no file, and it says so', async () => {
    const signal = AbortSignal.abort(new CancelledError('stop'));
    await expect(run({ export_type: 'payments' }, { jobId: 'stop', signal })).rejects.toThrow(CancelledError);
    expect(await world.app.services.progress.find('stop')).toMatchObject({ status: 'cancelled' });
    expect(await messages()).toEqual([]);
  });

  test('a failure is told to the admin', async () => {
    panel.faults({ kind: 'error', status: 503 });
    await expect(run({ export_type: 'users' }, { jobId: 'broken' })).rejects.toThrow('503');
    expect(await messages()).toEqual([expect.stringContaining('Export failed: users')]);
    expect(await world.app.services.progress.find('broken')).toMatchObject({ status: 'failed' });
  });

  test('a file of a run that lost its job is removed when the job fails; one that was told of stays', async () => {
    const lost = await run({ export_type: 'users' }, { jobId: 'lost' });
    await world.database.pool.query('delete from notification_queue');
    await run({ export_type: 'users' }, { jobId: 'told' });
    panel.faults({ kind: 'error', status: 503 });
    for (const jobId of ['lost', 'told']) await expect(run({ export_type: 'users' }, { jobId })).rejects.toThrow('503');
    expect(await exports().open(String(lost.export_id))).toBeUndefined();
    expect(await exports().open('told')).toBeDefined();
    expect(await messages()).toHaveLength(3);
  });

  test('a run after one that was told changes neither the file nor its rows', async () => {
    const payload = { export_type: 'payments', date_range: JANUARY };
    const enqueuedAt = new Date();
    const first = await world.run('generate_data_export', payload, { jobId: 'again', enqueuedAt });
    const told = await messages();
    await world.database.pool.query(
      `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at)
       values (gen_random_uuid(), 'later', gen_random_uuid(), 1, 'USDT', 'completed', 'cryptobot', 30, '2026-01-15T00:00:00Z')`,
    );
    expect(await world.run('generate_data_export', payload, { jobId: 'again', enqueuedAt })).toEqual(first);
    expect(parseCsv((await file('again.csv')).toString())).toHaveLength(Number(first.rows) + 1);
    expect(await messages()).toEqual(told);
    await world.database.pool.query("delete from payments where external_id = 'later'");
  });

  test('removed after a day, and not offered from then on', async () => {
    await run({ export_type: 'payments', gzip: true }, { jobId: 'old' });
    const now = new Date(Date.now() + hours(25));
    expect(await world.run('cleanup_export_files', {}, { now })).toMatchObject({ deleted: 1 });
    expect(await exports().open('old')).toBeUndefined();
  });

  test('under its former name', async () => {
    expect(await world.run('bulk_export', { export_type: 'servers', format: 'csv', job_id: null })).toMatchObject({
      rows: 3,
    });
  });
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hours } from '../../../lib/duration.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';
import { parseCsv } from '../../../testing/rfc4180.ts';
import { runningJobs } from '../../../testing/running-jobs.ts';
import { until } from '../../../testing/until.ts';
import { readXlsx } from '../../../testing/xlsx-reader.ts';

const PUBLIC_URL = 'https://worker.example.org';
const ADMIN = 900000001;
/** One payment an hour, from the first of January on. */
const PAYMENTS = 1_000;
const JANUARY = 31 * 24;

const rowsOfCsv = (bytes: Buffer): number => parseCsv(bytes.toString()).length - 1;
const rowsOfJson = (bytes: Buffer): number => (JSON.parse(bytes.toString()) as unknown[]).length;
const rowsOfXlsx = (bytes: Buffer): number => readXlsx(bytes)[0]!.length - 1;

const KINDS = [
  { format: 'csv', gzip: false, ending: '.csv', rowsOf: rowsOfCsv },
  { format: 'csv', gzip: true, ending: '.csv.gz', rowsOf: (bytes: Buffer) => rowsOfCsv(gunzipSync(bytes)) },
  { format: 'json', gzip: false, ending: '.json', rowsOf: rowsOfJson },
  { format: 'json', gzip: true, ending: '.json.gz', rowsOf: (bytes: Buffer) => rowsOfJson(gunzipSync(bytes)) },
  { format: 'xlsx', gzip: false, ending: '.xlsx', rowsOf: rowsOfXlsx },
];

/** Links of the exports so far, by file ending: the bot may write to one chat only once a second. */
const links = new Map<string, URL>();

let http: HttpWorld;
let running: AsyncDisposable;
let folder: string;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exports-'));
  http = await httpWorld({ env: { EXPORT_DIR: folder, PUBLIC_URL } });
  await http.server.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(http.server.server.address() as AddressInfo).port}`;
  await http.world.database.pool.query(
    `insert into payments (id, external_id, user_uuid, amount, currency, status, provider, subscription_days, created_at, updated_at)
     select gen_random_uuid(), '=' || n, gen_random_uuid(), 0.1 + n, 'USDT', 'completed', 'cryptobot', 30,
            '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 hour', now()
       from generate_series(0, $1::int - 1) as n`,
    [PAYMENTS],
  );
  running = runningJobs(http.world);
});
afterAll(async () => {
  vi.restoreAllMocks();
  await running[Symbol.asyncDispose]();
  await http[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Asks for an export as the backend does, and waits for the admin's message. Returns its link, on the address of this test. */
async function linkFor(payload: object): Promise<URL> {
  const asked = await fetch(`${url}/api/v1/tasks/generate_data_export`, {
    method: 'POST',
    headers: { authorization: `Bearer ${http.tokens.backend}`, 'content-type': 'application/json' },
    body: JSON.stringify({ export_type: 'payments', date_range: ['2026-01-01', '2026-01-31'], ...payload }),
  });
  expect(asked.status).toBe(202);
  const { job_id: id } = (await asked.json()) as { job_id: string };
  const link = await until('the admin has the link', async () => {
    const texts = http.world.telegram.messages({ chatId: ADMIN }).map(({ text }) => text);
    return texts.flatMap((text) => /href="([^"]+)"/.exec(text)?.[1] ?? []).find((one) => one.includes(id));
  });
  expect(link.startsWith(`${PUBLIC_URL}/api/v1/exports/${id}?`)).toBe(true);
  return new URL(link.replaceAll('&amp;', '&').replace(PUBLIC_URL, url));
}

describe('asked for over HTTP, run by a worker, sent as a link by Telegram', () => {
  test.each(KINDS)('$ending arrives whole and valid, with the rows of its range', async (kind) => {
    const { ending, format, gzip, rowsOf } = kind;
    const link = await linkFor({ format, gzip });
    links.set(ending, link);
    const response = await fetch(link);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-disposition')).toContain(`${ending}"`);
    // No proxy may store it, and none may unpack it.
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-encoding')).toBeNull();
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.length).toBe(Number(response.headers.get('content-length')));
    expect(rowsOf(bytes)).toBe(JANUARY);
  });

  test('formulas in cells are neutralised on the way', async () => {
    const text = await (await fetch(links.get('.csv')!)).text();
    const [header, ...rows] = parseCsv(text);
    const column = header!.indexOf('external_id');
    expect(rows.every((row) => /^'=\d+$/.test(row[column]!))).toBe(true);
  });

  test('a download that was cut goes on where it ended', async () => {
    const link = links.get('.json')!;
    const part = async (range: string) => {
      const response = await fetch(link, { headers: { range } });
      expect(response.status).toBe(206);
      return await response.text();
    };
    const [first, rest] = await Promise.all([part('bytes=0-999'), part('bytes=1000-')]);
    expect(rowsOfJson(Buffer.from(first + rest))).toBe(JANUARY);
  });

  test('forged or changed, the link is 403; a day later it is 403 too, and the file is gone for everybody', async () => {
    const link = links.get('.xlsx')!;
    const changed = (change: (copy: URL) => void): URL => {
      const copy = new URL(link);
      change(copy);
      return copy;
    };
    const forged = [
      changed(({ searchParams }) => searchParams.set('signature', 'A'.repeat(43))),
      changed(({ searchParams }) => searchParams.set('expires', String(Number(searchParams.get('expires')) + 3_600))),
      changed((copy) => {
        copy.pathname = copy.pathname.slice(0, -1) + (copy.pathname.endsWith('0') ? '1' : '0');
      }),
    ];
    for (const one of forged) expect((await fetch(one)).status, one.search).toBe(403);
    expect((await fetch(link)).status).toBe(200);

    const later = new Date(Date.now() + hours(24) + 1_000);
    vi.spyOn(http.world.app.parts.foundation.clock, 'now').mockReturnValue(later);
    expect((await fetch(link)).status).toBe(403);
    expect((await http.call('GET', link.pathname)).statusCode).toBe(404);
    const files = async () => (await readdir(folder)).filter((name) => !name.startsWith('.'));
    const stored = (await files()).length;
    expect(await http.world.run('cleanup_export_files', {}, { now: later })).toMatchObject({ deleted: stored });
    expect(await files()).toEqual([]);
  });
});

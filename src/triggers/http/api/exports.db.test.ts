import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportName } from '../../../domain/exports/export-files.ts';
import { ExportLinks } from '../../../domain/exports/links.ts';
import { minutes } from '../../../lib/duration.ts';
import { type HttpWorld, httpWorld } from '../../../testing/http-world.ts';

const PUBLIC_URL = 'https://worker.example.org';
const CONTENT = 'id,name\n1,Anna\n2,Olga\n';

let http: HttpWorld;
let folder: string;
let id: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exports-'));
  http = await httpWorld({ env: { EXPORT_DIR: folder, PUBLIC_URL } });
  id = randomUUID();
  const { storage } = http.world.app.services;
  await storage.put(exportName(id, 'csv'), Buffer.from(CONTENT), AbortSignal.timeout(5_000));
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The path of a link that was signed at this moment. */
function link(exportId: string, expiresAt: Date): string {
  const apiTokens = http.world.app.config.API_TOKENS.map(({ token }) => token);
  const links = new ExportLinks({ publicUrl: PUBLIC_URL, apiTokens, clock: () => new Date() });
  return links.to(exportId, expiresAt)!.slice(PUBLIC_URL.length);
}

const inTenMinutes = (): Date => new Date(Date.now() + minutes(10));

describe('an export', () => {
  test('is downloaded with a token, under its own name', async () => {
    const response = await http.call('GET', `/api/v1/exports/${id}`);
    expect(response.statusCode).toBe(200);
    expect(response.body).toBe(CONTENT);
    expect(response.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-length': String(CONTENT.length),
      'accept-ranges': 'bytes',
      'content-disposition': `attachment; filename="${exportName(id, 'csv')}"`,
    });
  });

  test('tells its length and name to HEAD, which reads nothing and is recorded as such', async () => {
    const downloads = async () =>
      (
        await http.world.database.pool.query<{ method: string }>(
          `select new_value ->> 'method' as method from audit_logs where action = 'export.downloaded' order by created_at`,
        )
      ).rows.map(({ method }) => method);
    const before = await downloads();
    const head = await http.call('HEAD', `/api/v1/exports/${id}`);
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([200, '', String(CONTENT.length)]);
    const part = await http.call('HEAD', `/api/v1/exports/${id}`, { headers: { range: 'bytes=3-6' } });
    expect([part.statusCode, part.headers['content-range']]).toEqual([206, `bytes 3-6/${CONTENT.length}`]);
    expect(await downloads()).toEqual([...before, 'HEAD', 'HEAD']);
  });

  test('is given in parts', async () => {
    const part = await http.call('GET', `/api/v1/exports/${id}`, { headers: { range: 'bytes=3-6' } });
    expect([part.statusCode, part.body]).toEqual([206, 'name']);
    expect(part.headers['content-range']).toBe(`bytes 3-6/${CONTENT.length}`);
    const none = await http.call('GET', `/api/v1/exports/${id}`, { headers: { range: 'bytes=1000-' } });
    expect(none.statusCode).toBe(416);
    expect(none.headers['content-range']).toBe(`bytes */${CONTENT.length}`);
  });

  test('is downloaded through its signed link, without a token', async () => {
    const response = await http.server.inject(link(id, inTenMinutes()));
    expect([response.statusCode, response.body]).toEqual([200, CONTENT]);
  });

  test('leaves in audit_logs who read it, from where, with what and which part: any read, whatever range it asks for', async () => {
    const { pool } = http.world.database;
    await pool.query('truncate audit_logs');
    const from = { 'user-agent': 'curl/8' };
    await http.call('GET', `/api/v1/exports/${id}`, { headers: from, remoteAddress: '198.51.100.4' });
    await http.server.inject({ url: link(id, inTenMinutes()), headers: from, remoteAddress: '2001:db8::4' });
    for (const range of ['bytes=1-', 'bytes=3-6', 'bytes=-2', 'bytes=0-0'])
      await http.call('GET', `/api/v1/exports/${id}`, { headers: { ...from, range }, remoteAddress: '198.51.100.4' });
    const { rows } = await pool.query(
      "select entity_id, new_value, ip_address, user_agent from audit_logs where action = 'export.downloaded' order by created_at",
    );
    const read = { file: exportName(id, 'csv'), method: 'GET' };
    const last = CONTENT.length - 1;
    const parts = [{}, { from: 1, to: last }, { from: 3, to: 6 }, { from: last - 1, to: last }, { from: 0, to: 0 }];
    const mine = parts.map((part) => ({
      entity_id: id,
      new_value: { by: 'token:olga', role: 'owner', ...read, ...part },
      ip_address: '198.51.100.4',
      user_agent: 'curl/8',
    }));
    const linked = { ...mine[0], new_value: { by: 'signed link', ...read }, ip_address: '2001:db8::4' };
    expect(rows).toEqual([mine[0], linked, ...mine.slice(1)]);
  });

  test('is not given while its read cannot be recorded', async () => {
    const { pool } = http.world.database;
    await pool.query('alter table audit_logs rename to audit_logs_away');
    const refused = await http.call('GET', `/api/v1/exports/${id}`, { headers: { range: 'bytes=1-' } });
    await pool.query('alter table audit_logs_away rename to audit_logs');
    expect(refused.statusCode).toBe(503);
    expect(refused.body).not.toContain('Anna');
  });

  test('is refused to a link that is forged, over, or of another export', async () => {
    const good = link(id, inTenMinutes());
    const other = link(randomUUID(), inTenMinutes()).split('?')[1]!;
    const refused = [
      good.replace(/signature=./, (start) => (start.endsWith('A') ? 'signature=B' : 'signature=A')),
      good.replace(/expires=\d+/, (expires) => `${expires}0`),
      `/api/v1/exports/${id}?${other}`,
      link(id, new Date(Date.now() - 1_000)),
      `/api/v1/exports/${id}?signature=`,
    ];
    for (const url of refused) expect((await http.server.inject(url)).statusCode, url).toBe(403);
    expect((await http.server.inject(`/api/v1/exports/${id}`)).statusCode).toBe(401);
  });

  test('that is not there is 404, and no id leads elsewhere', async () => {
    expect((await http.call('GET', `/api/v1/exports/${randomUUID()}`)).statusCode).toBe(404);
    for (const path of ['..%2f..%2fetc%2fpasswd', '.', `${id}.csv`, '%00']) {
      expect((await http.call('GET', `/api/v1/exports/${path}`)).statusCode, path).toBe(400);
    }
  });
});

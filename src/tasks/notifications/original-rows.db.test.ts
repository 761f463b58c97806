/** Rows of `notification_queue` as the real backend wrote them and as the real Python worker left them. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTelegramSandbox, type TelegramSandbox } from '../../../sandbox/telegram/server.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

type Row = { telegram_id: number; message: string; status: string };
const rowsOf = async (file: string) =>
  (JSON.parse(await readFile(new URL(`../../../test/originals/${file}`, import.meta.url), 'utf8')) as { rows: Row[] })
    .rows;

let telegram: TelegramSandbox;
let world: TestApp;
beforeAll(async () => {
  telegram = await startTelegramSandbox();
  world = await testApp(async () => ({ TELEGRAM_API_URL: telegram.url, TELEGRAM_BOT_TOKEN: telegram.token }));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await telegram[Symbol.asyncDispose]();
});

test.each([
  ['backend/notification-rows.json', 'pending'],
  ['python-worker/notification-rows.json', 'processing'],
])('%s: each is sent once', async (file, status) => {
  const rows = await rowsOf(file);
  expect(new Set(rows.map((row) => row.status))).toEqual(new Set([status]));
  const { pool } = world.database;
  const due = new Date(Date.now() - 20 * 60_000);
  for (const row of rows)
    await pool.query(
      'insert into notification_queue select * from jsonb_populate_record(null::notification_queue, $1)',
      [JSON.stringify({ ...row, id: randomUUID(), scheduled_at: due, created_at: due })],
    );
  await world.run('process_notification_queue', {});
  const ends = await pool.query('select status, count(*)::int as rows from notification_queue group by status');
  expect(ends.rows).toEqual([{ status: 'sent', rows: rows.length }]);
  const chats = new Set(rows.map((row) => row.telegram_id));
  const sent = [...chats].flatMap((chatId) => telegram.messages({ chatId }));
  expect(sent).toHaveLength(rows.length);
  await pool.query('delete from notification_queue');
});

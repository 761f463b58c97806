import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { plainText } from '../../lib/telegram-html.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';

let world: TestApp;
beforeAll(async () => {
  world = await testApp({ DEFAULT_LOCALE: 'ru', PUBLIC_URL: 'https://worker.example' });
});
afterAll(() => world[Symbol.asyncDispose]());
beforeEach(async () => {
  await world.database.pool.query('truncate notification_queue cascade');
  await world.redis.client.flushall();
});

const NOW = new Date('2026-03-01T14:20:00Z');

async function told(alertname: string, annotations: Record<string, string>, labels = {}): Promise<string> {
  const given = {
    status: 'firing',
    labels: { alertname, severity: 'critical', ...labels },
    annotations,
    startsAt: '2026-03-01T14:17:59Z',
    endsAt: '0001-01-01T00:00:00Z',
    fingerprint: '00ff',
  };
  expect(await world.app.parts.handedInAlerts.take([given], NOW)).toMatchObject({ firing: 1, left_out: 0 });
  const { rows } = await world.database.pool.query('select distinct message from notification_queue');
  expect(rows).toHaveLength(1);
  return plainText(rows[0].message);
}

test('a rule that we ship is told in DEFAULT_LOCALE, with its labels, its value and its runbook', async () => {
  const annotations = { summary: 'Queue', description: '7 jobs wait', action: 'See', value: '7' };
  expect(await told('QueueStuck', annotations, { queue: 'sync' })).toBe(
    [
      '🚨 КРИТИЧНО Очередь sync не разбирается',
      'Заданий ждёт: 7, и за пять минут не закончилось ни одно.\nПосмотрите, что держит её места (taskiq_tasks_in_progress), отвечают ли воркеры и Redis.',
      '📖 Что делать (https://worker.example/runbooks/QueueStuck)',
      '🕒 2026-03-01 14:17 UTC',
    ].join('\n\n'),
  );
});

test('a rule of somebody else keeps its words, its own Russian first, and leads to the runbook that it names', async () => {
  const annotations = {
    ...{ summary: 'Disk', summary_ru: 'Диск заполнен', description: 'It is full.' },
    runbook_url: 'https://wiki.example/disk',
  };
  expect(await told('DiskFull', annotations)).toBe(
    '🚨 КРИТИЧНО Диск заполнен\n\nIt is full.\nЧто делать (https://wiki.example/disk)\n\n🕒 2026-03-01 14:17 UTC',
  );
});

import { describe, expect, test } from 'vitest';
import { alertMessage, backlogHeld, mergedAlerts, notificationsGivenUp, taskFailed } from './alerts.ts';

describe('an alert', () => {
  test('says how bad it is, what happened and what to know, in the reader\u2019s language', () => {
    expect(String(alertMessage('critical', 'Node <x> is down', ['since 10:00', 'users: 5'], 'en'))).toBe(
      '🚨 <b>CRITICAL</b> Node &lt;x&gt; is down\n\nsince 10:00\nusers: 5',
    );
    expect(String(alertMessage('resolved', 'ok', [], 'ru'))).toBe('✅ <b>УСТРАНЕНО</b> ok');
  });

  test('about a failed task names job, error and how to run it again', () => {
    const alert = { task: 'sync', jobId: 'j1', attempts: 4, critical: true, code: 'x', error: 'no <panel>' };
    for (const locale of ['en', 'ru'] as const) {
      const text = String(taskFailed(alert, locale));
      expect(text).toContain('<code>sync</code>');
      expect(text).toContain('no &lt;panel&gt;');
      expect(text).toContain('dead-letters replay j1');
    }
  });

  test('about messages given up shows a few of them', () => {
    const rows = Array.from({ length: 9 }, (_, i) => ({ telegramId: i, type: 'info', error: 'telegram: down' }));
    for (const locale of ['en', 'ru'] as const) {
      expect(String(notificationsGivenUp(rows, locale)).match(/telegram: down/g)).toHaveLength(5);
    }
  });

  test('about a held backlog says how much, since when, and how to decide', () => {
    const backlog = { rows: 5000, oldest: new Date('2026-01-02T03:04:05Z'), hours: 24 };
    for (const locale of ['en', 'ru'] as const) {
      const text = String(backlogHeld(backlog, locale));
      expect(text).toContain('5000');
      expect(text).toContain('2026-01-02 03:04 UTC');
      expect(text).toContain('task-worker brake confirm notification_backlog drop');
    }
  });
});

describe('alerts of one kind', () => {
  test('leave as one message with their count', () => {
    expect(mergedAlerts(['a', 'b'], 'en')).toBe('🔁 <b>2 alerts of one kind</b>\n\na\n\nb');
  });

  test('that would not fit show the newest and say how many are left out', () => {
    const text = mergedAlerts(
      Array.from({ length: 100 }, (_, i) => `${i} ${'x'.repeat(200)}`),
      'ru',
    );
    expect(text.length).toBeLessThanOrEqual(4096);
    expect(text).toContain('Одинаковых оповещений: 100');
    expect(text).toContain('\n\n99 x');
    expect(text).toMatch(/… и ещё \d+$/);
  });
});

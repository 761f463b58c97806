import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { html } from '../lib/html.ts';
import { visibleText } from '../lib/telegram-html.ts';
import {
  alertMessage,
  backlogHeld,
  mergedAlerts,
  notificationsGivenUp,
  repeatedAlert,
  taskFailed,
  timedAlert,
} from './alerts.ts';
import { runbookLink } from './runbooks/find-runbook.ts';
import { split } from './split.ts';

const AT = new Date('2026-03-01T14:17:59Z');

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
      expect(text).toContain('<code>j1</code>');
      expect(text).toMatch(/replay the job on its page|повторите задание на его странице/);
    }
  });

  test('about messages given up names each of them', () => {
    const rows = Array.from({ length: 9 }, (_, i) => ({ telegramId: i, type: 'info', error: 'telegram: down' }));
    for (const locale of ['en', 'ru'] as const) {
      expect(String(notificationsGivenUp(rows, locale)).match(/telegram: down/g)).toHaveLength(9);
    }
  });

  test('about a held backlog says how much, since when, and how to decide', () => {
    const backlog = { rows: 5000, oldest: new Date('2026-01-02T03:04:05Z'), hours: 24 };
    for (const locale of ['en', 'ru'] as const) {
      const text = String(backlogHeld(backlog, locale));
      expect(text).toContain('5000');
      expect(text).toContain('2026-01-02 03:04 UTC');
      expect(text).toMatch(/send the old ones or drop them|отправить старые или отбросить/);
    }
  });
});

describe('what leads to the runbook', () => {
  const guide = html`<a href="https://w.example/runbooks/node_offline">What to do</a>`;
  const node = (name: string) =>
    timedAlert(
      alertMessage('critical', html`Node ${name} is offline`, ['Since then', '', 'Restart it.'], 'en'),
      AT,
      guide,
    );

  test('stands above the time, and is said once where several leave as one message', () => {
    expect(node('a').toString()).toMatch(/Restart it\.\n\n📖 <a .*>What to do<\/a>\n\n🕒 2026-03-01 14:17 UTC$/);
    const merged = mergedAlerts([node('a').toString(), node('b').toString()], 'en');
    expect(merged.match(/What to do/g)).toHaveLength(1);
    expect(merged.endsWith('Restart it.\n\n📖 <a href="https://w.example/runbooks/node_offline">What to do</a>')).toBe(
      true,
    );
  });

  test.each([
    ['node_offline', 'https://w.example', 'ru', '<a href="https://w.example/runbooks/node_offline">Что делать</a>'],
    ['NodeDown', 'https://w.example', 'en', '<a href="https://w.example/runbooks/NodeDown">What to do</a>'],
  ] as const)('%s at %s in %s: %s', (alert, publicUrl, locale, link) => {
    expect(String(runbookLink(alert, publicUrl, locale))).toBe(link);
  });

  test('is not there without an address of the console, nor for somebody’s own rule', () => {
    expect(runbookLink('node_offline', undefined, 'en')).toBeUndefined();
    expect(runbookLink('SomebodysOwnRule', 'https://w.example', 'en')).toBeUndefined();
  });
});

describe('alerts of one kind', () => {
  test('leave as one message with their count', () => {
    expect(mergedAlerts(['a', 'b'], 'en')).toBe('🔁 <b>2 alerts of one kind</b>\n\na\n\nb');
  });

  const alert = (name: string) =>
    timedAlert(
      alertMessage(
        'critical',
        'Paid, but unclear',
        [html`Payment: <code>${name}</code>`, 'Days: 30', '', 'Find the customer.'],
        'en',
      ),
      new Date('2026-03-01T14:17:59Z'),
    ).toString();

  test('are a line each with its time; a title and an advice that all have is said once', () => {
    expect(mergedAlerts([alert('a'), alert('<b>')], 'en')).toBe(
      [
        '🔁 <b>2 alerts of one kind</b>',
        '🚨 <b>CRITICAL</b> Paid, but unclear · 🕒 2026-03-01 14:17 UTC',
        '• Payment: <code>a</code> · Days: 30\n• Payment: <code>&lt;b&gt;</code> · Days: 30',
        'Find the customer.',
      ].join('\n\n'),
    );
  });

  test('of which one is told again keep the count', () => {
    const twice = repeatedAlert(alert('a'), repeatedAlert(alert('a'), undefined, 'en'), 'en');
    expect(twice).toMatch(/🕒 2026-03-01 14:17 UTC\n\n🔁 Within ten minutes, times: 2$/);
    expect(mergedAlerts([twice, alert('b')], 'en')).toContain(
      '🕒 2026-03-01 14:17 UTC · 🔁 Within ten minutes, times: 2\n• ',
    );
  });

  test('lose no word and stay valid HTML, whatever their texts', () => {
    const words = fc.array(fc.stringMatching(/^[a-z<&\n·•]{1,12}$/), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(words, { minLength: 2, maxLength: 5 }), (alerts) => {
        const texts = alerts.map((lines) =>
          String(
            alertMessage(
              'warning',
              html`<b>${lines[0]!}</b>`,
              lines.map((line) => html`<i>${line}</i>`),
              'en',
            ),
          ),
        );
        const merged = visibleText(mergedAlerts(texts, 'en'));
        for (const word of alerts.flat().flatMap((text) => text.match(/[a-z<&]+/g) ?? []))
          expect(merged).toContain(word);
        expect(split(mergedAlerts(texts, 'en')).map(visibleText).join('').replace(/\s/g, '')).toBe(
          merged.replace(/\s/g, ''),
        );
      }),
    );
  });
});

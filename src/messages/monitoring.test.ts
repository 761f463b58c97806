import { describe, expect, test } from 'vitest';
import { hours, minutes } from '../lib/duration.ts';
import { nodeBack, nodeOffline, nodeStable, nodeUnstable, panelBill, serviceBack, serviceDown } from './monitoring.ts';

const SINCE = new Date('2026-03-01T14:17:20Z');
const past = (subject: string, ms: number, told = true) => ({
  ...{ subject, told, since: SINCE },
  endedAt: new Date(SINCE.getTime() + ms),
  downtimeMs: ms,
});

describe('what admins read about nodes and services', () => {
  test('names of nodes and errors are escaped', () => {
    const text = nodeOffline({ name: '<b>&', country: 'NL', reason: '<script>' }, { all: false }, 'en').toString();
    expect(text).toContain('&lt;b&gt;&amp;');
    expect(text).toContain('&lt;script&gt;');
    expect(serviceDown({ name: 'redis', failures: 3, error: 'a < b' }, 'en').toString()).toContain('a &lt; b');
  });

  test('where all nodes are down at once, each says where to look first', () => {
    expect(nodeOffline({ name: 'A' }, { all: true }, 'en').toString()).toContain('look at the panel');
    expect(nodeOffline({ name: 'A' }, { all: false }, 'en').toString()).not.toContain('look at the panel');
  });

  test('a bill says whom to pay, until when, and what follows; overdue is said', () => {
    const bill = { node: '<Helsinki>', provider: 'Hetzner', dueAt: SINCE };
    const due = panelBill({ ...bill, isOverdue: false }, 'en').toString();
    expect(due).toContain('Node <b>&lt;Helsinki&gt;</b> is to be paid for');
    expect(due).toContain('Provider: Hetzner\nPay before: 2026-03-01 14:17 UTC');
    expect(panelBill({ ...bill, isOverdue: true }, 'en').toString()).toContain('is overdue');
    expect(panelBill({ ...bill, isOverdue: true }, 'ru').toString()).toContain('просрочен');
    expect(panelBill({ ...bill, isOverdue: false }, 'ru').toString()).toContain('Пора оплатить');
  });

  test('in Russian too', () => {
    expect(nodeOffline({ name: 'A' }, { all: true }, 'ru').toString()).toContain('Узел <b>A</b> недоступен');
    expect(nodeBack(past('A', minutes(3)), 'ru').toString()).toContain('Простой: 3 мин');
    expect(nodeUnstable({ name: 'A' }, 'ru').toString()).toContain('нестабильно');
    expect(nodeStable(past('A', hours(1)), 'ru').toString()).toContain('снова стабилен');
    expect(serviceDown({ name: 'telegram', failures: 3 }, 'ru').toString()).toContain('<b>Telegram</b> не отвечает');
    expect(serviceBack(past('postgresql', 1000), 'ru').toString()).toContain('снова отвечает');
  });

  test.each([
    { message: nodeBack, name: 'Node <b>redis</b>', was: 'was down', now: 'is online again' },
    { message: nodeStable, name: 'Node <b>redis</b>', was: 'was unstable', now: 'is stable again' },
    { message: serviceBack, name: '<b>Redis</b>', was: 'was down', now: 'answers again' },
  ])(
    'what is over: RESOLVED to those who know of it, else that it $was, both with the times',
    ({ message, name, now, was }) => {
      const span = '2026-03-01 14:17 to 14:20 UTC';
      expect(message(past('redis', minutes(3)), 'en').toString()).toBe(
        `✅ <b>RESOLVED</b> ${name} ${now}\n\nDowntime: 3 min\n${name} ${was}: ${span}`,
      );
      expect(message(past('redis', minutes(3), false), 'en').toString()).toBe(
        `☑️ <b>OVER</b> ${name} ${was} ${span}\n\nDowntime: 3 min\n${name} ${now}`,
      );
      expect(message(past('redis', hours(12), false), 'en').toString()).toContain(
        '2026-03-01 14:17 to 2026-03-02 02:17 UTC',
      );
    },
  );
});

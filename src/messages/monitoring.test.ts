import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { days, hours, minutes, seconds } from '../lib/duration.ts';
import {
  durationText,
  nodesBack,
  nodesOffline,
  nodesStable,
  nodesUnstable,
  serviceBack,
  serviceDown,
} from './monitoring.ts';

describe('what admins read about nodes and services', () => {
  test('names of nodes and errors are escaped', () => {
    const text = nodesOffline([{ name: '<b>&', country: 'NL', reason: '<script>' }], 5, 'en').toString();
    expect(text).toContain('&lt;b&gt;&amp;');
    expect(text).toContain('&lt;script&gt;');
    expect(serviceDown({ name: 'redis', failures: 3, error: 'a < b' }, 'en').toString()).toContain('a &lt; b');
  });

  test('a mass outage is listed up to twenty nodes, says how many more, and where to look when all are down', () => {
    const nodes = Array.from({ length: 500 }, (_, i) => ({ name: `Node ${i}`, country: 'DE' }));
    const all = nodesOffline(nodes, 500, 'en').toString();
    expect(all).toContain('<b>500</b> of 500 nodes are offline');
    expect(all).toContain('… and 480 more');
    expect(all).toContain('look at the panel');
    expect(nodesOffline(nodes.slice(1), 500, 'en').toString()).not.toContain('look at the panel');
    expect(all.length).toBeLessThan(4096);
  });

  test('in Russian too', () => {
    expect(nodesOffline([{ name: 'A' }], 2, 'ru').toString()).toContain('Нода <b>A</b> недоступна');
    expect(nodesOffline([{ name: 'A' }, { name: 'B' }], 2, 'ru').toString()).toContain(
      'Недоступны ноды: <b>2</b> из 2',
    );
    expect(nodesBack([{ subject: 'A', downtimeMs: minutes(3) }], 'ru').toString()).toContain('Простой: 3 мин');
    expect(nodesBack(two, 'ru').toString()).toContain('Снова доступны ноды: <b>2</b>');
    expect(nodesUnstable([{ name: 'A' }], 'ru').toString()).toContain('нестабильно');
    expect(nodesUnstable([{ name: 'A' }, { name: 'B' }], 'ru').toString()).toContain('Нестабильны ноды: <b>2</b>');
    expect(nodesStable(two, 'ru').toString()).toContain('нестабильна 1 ч');
    expect(serviceDown({ name: 'telegram', failures: 3 }, 'ru').toString()).toContain('<b>Telegram</b> не отвечает');
    expect(serviceBack({ name: 'postgresql', downtimeMs: 1000 }, 'ru').toString()).toContain('снова отвечает');
  });

  const two = [
    { subject: 'A', downtimeMs: minutes(3) },
    { subject: 'B', downtimeMs: hours(1) },
  ];

  test('several nodes that come back or calm down are one list, each with its time', () => {
    expect(nodesBack(two, 'en').toString()).toMatch(/<b>2<\/b> nodes are online again.*A<\/b>: 3 min.*B<\/b>: 1 h/s);
    expect(nodesStable(two, 'en').toString()).toMatch(/A<\/b>: unstable for 3 min.*B<\/b>: unstable for 1 h/s);
    expect(nodesUnstable([{ name: 'A' }, { name: 'B' }], 'en').toString()).toContain('<b>2</b> nodes are unstable');
  });

  test.each([
    [0, '0 s'],
    [499, '0 s'],
    [seconds(59.6), '1 min'],
    [seconds(61), '1 min 1 s'],
    [minutes(59.999), '1 h'],
    [hours(2) + minutes(5) + seconds(29), '2 h 5 min'],
    [hours(23) + minutes(59) + seconds(40), '1 d'],
    [days(3) + hours(4) + minutes(29), '3 d 4 h'],
    [-5, '0 s'],
  ])('%i ms read as %s', (ms, text) => {
    expect(durationText(ms, 'en')).toBe(text);
  });

  test('a duration never reads as a unit full of the next one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: days(400) }), (ms) => {
        expect(durationText(ms, 'en')).not.toMatch(/\b(60 s|60 min|24 h)\b/);
      }),
    );
  });
});

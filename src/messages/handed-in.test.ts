import { describe, expect, test } from 'vitest';
import { foreignRunbook, textOfRule } from './handed-in.ts';

describe('an alert of Prometheus that is handed in', () => {
  const text = (rule: string, values: Record<string, string>, locale: 'en' | 'ru' = 'ru') =>
    textOfRule({ rule, name: 'description', values }, locale);

  test('is told in Russian with its value as Russian has it', () => {
    expect(text('NodesNotWatched', { value: '1h 8m 0s' })).toBe(
      'Последняя успешная проверка была 1 ч 8 мин 0 с назад; обещано три минуты.',
    );
    expect(text('WorkerMemoryHigh', { value: '81.96%' })).toBe('Уже десять минут занято 81,96 % его памяти.');
    expect(text('BreakerStaysClosed', { value: '1.2k' })).toContain('вызовов: 1,2k,');
  });

  test('keeps its own text in English, without the value, and where the rule is not ours', () => {
    expect(text('NodesNotWatched', { value: '8m 0s' }, 'en')).toBeUndefined();
    expect(text('NodesNotWatched', {})).toBeUndefined();
    expect(text('SomebodysOwnRule', { value: '1' })).toBeUndefined();
  });

  test('of somebody else leads to the runbook that it names, where that is an address', () => {
    expect(String(foreignRunbook('https://wiki.example/a?b=1&c="', 'ru'))).toBe(
      '<a href="https://wiki.example/a?b=1&amp;c=&quot;">Что делать</a>',
    );
    for (const other of [undefined, 'docs/a.md', 'javascript:alert(1)', 'https://'])
      expect(foreignRunbook(other, 'en')).toBeUndefined();
  });
});

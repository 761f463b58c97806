import { expect, test } from 'vitest';
import { visibleText } from '../lib/telegram-html.ts';
import { bulkOperationEnded } from './bulk.ts';
import { broadcastEnded } from './bulk-broadcast.ts';

const plain = (html: { toString(): string }): string =>
  visibleText(html.toString()).replaceAll(/[\u00a0\u202f]/gu, ' ');

test.each([
  [300, 'less than 1 s', 'меньше 1 с'],
  [2_000, '2 s', '2 с'],
  [92_000, '1 min 32 s', '1 мин 32 с'],
  [119_000, '1 min 59 s', '1 мин 59 с'],
  [7_500_000, '2 h 5 min', '2 ч 5 мин'],
])('what took %d ms is said to have taken that', (durationMs, en, ru) => {
  const broadcast = {
    jobId: '1',
    status: 'completed',
    sent: 10_000,
    failed: 1,
    withdrawn: 0,
    total: 10_001,
    durationMs,
  } as const;
  const facts = { operation: 'disable', initiatedBy: 'olga', succeeded: 2, failures: [] } as const;
  const operation = { ...facts, jobId: '2', status: 'completed', total: 2, durationMs } as const;
  expect(plain(broadcastEnded(broadcast, 'en'))).toContain(`Took ${en}.`);
  expect(plain(broadcastEnded(broadcast, 'ru'))).toContain(`Длительность: ${ru}.`);
  expect(plain(bulkOperationEnded(operation, 'en'))).toContain(`Took ${en}.`);
  expect(plain(bulkOperationEnded(operation, 'ru'))).toContain(`Длительность: ${ru}.`);
  expect(plain(broadcastEnded(broadcast, 'en'))).toContain('Delivered: 10,000 of 10,001, not delivered: 1');
  expect(plain(broadcastEnded(broadcast, 'ru'))).toContain('Доставлено: 10 000 из 10 001, не доставлено: 1');
});

test.each<[by: string, namedAs: string | undefined, en: string, ru: string]>([
  ['token:olga', undefined, 'Asked for by: olga (API token)', 'Запустил: olga (токен API)'],
  ['token:olga', 'olga', 'Asked for by: olga (API token)', 'Запустил: olga (токен API)'],
  ['token:taskiq', undefined, 'Asked for by: taskiq (API token)', 'Запустил: taskiq (токен API)'],
  [
    'token:olga',
    'CEO',
    'Asked for by: olga (API token), named in the request as CEO',
    'Запустил: olga (токен API), в запросе указано имя CEO',
  ],
  [
    'taskiq',
    'anna',
    'Asked for by: a producer of the TaskIQ stream, named in the request as anna',
    'Запустил: программа через поток TaskIQ, в запросе указано имя anna',
  ],
])('%s, who is named %s in the request, is told as known, with the name beside', (initiatedBy, namedAs, en, ru) => {
  const ended = {
    operation: 'disable',
    status: 'completed',
    jobId: '1',
    succeeded: 1,
    total: 1,
    failures: [],
  } as const;
  const summary = { ...ended, initiatedBy, namedAs, durationMs: 1_000 };
  expect(plain(bulkOperationEnded(summary, 'en'))).toContain(`${en}\n`);
  expect(plain(bulkOperationEnded(summary, 'ru'))).toContain(`${ru}\n`);
});

test('a reason that many share is said once, with how many they are, and one of its own beside its user', () => {
  const failures = [
    ...Array.from({ length: 1_940 }, (_, i) => ({ user: `id-${i}`, error: `remnawave: id-${i} is of another panel` })),
    { user: 'odd', error: 'remnawave: <odd>' },
  ];
  const facts = { operation: 'delete', initiatedBy: 'olga', succeeded: 60, durationMs: 1_000 } as const;
  const message = (locale: 'en' | 'ru', shown = failures) =>
    plain(bulkOperationEnded({ ...facts, jobId: '2', status: 'completed', total: 2_001, failures: shown }, locale));
  expect(message('en')).toContain('Failed:\nremnawave: … is of another panel: 1,940\nid-0 id-1 id-2 ');
  expect(message('en')).toContain('id-59\n… and 1,881 more');
  expect(message('ru')).toContain('С ошибкой:\nremnawave: … is of another panel: 1 940\nid-0 id-1 ');
  expect(message('en', failures.slice(-2))).toContain(
    'Failed:\nid-1939 remnawave: id-1939 is of another panel\nodd remnawave: <odd>',
  );
});

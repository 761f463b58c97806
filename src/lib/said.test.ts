import { expect, test } from 'vitest';
import { said } from './said.ts';

test.each([
  [
    'overdue: sync_user_stats (last success 2026-03-01T10:00:00.000Z), check_server_health (last success never)',
    'опаздывают: sync_user_stats (последний успех: 2026-03-01T10:00:00.000Z), check_server_health (последний успех: никогда)',
  ],
  [
    'sync_user_stats (by token:olga since 2026-03-01T10:00:00.000Z and lost where Redis is emptied), x (by token:a since y)',
    'sync_user_stats (кто: token:olga, с 2026-03-01T10:00:00.000Z; пропадёт, если Redis опустеет), x (кто: token:a, с y)',
  ],
  [
    'differ from this configuration: a (here 0 5 * * *), b (here 1 5 * * *)',
    'отличаются от этой конфигурации: a (здесь 0 5 * * *), b (здесь 1 5 * * *)',
  ],
])('a list in a finding is said element by element: %s', (english, russian) => {
  expect(said(english, 'ru')).toBe(russian);
  expect(said(english, 'en')).toBe(english);
});

test.each([
  [
    'needs 21 messages of 4096 characters, at most 20 are sent; it has 90000 characters that are seen',
    /21.*4096.*20.*90000/,
  ],
  ['has a name that must not contain the character U+0000', 'имя поля не должно содержать знак U+0000'],
  ['must begin before it ends', 'начало должно быть раньше конца'],
])('what a check of a payload says: %s', (english, russian) => {
  expect(said(english, 'ru')).toMatch(russian);
  expect(said(english, 'ru')).not.toMatch(/[a-z]{4,}/);
});

test.each([
  ['would touch 121 of 518 users: too many at once', 'затронет 121 из 518 пользователей: слишком много сразу'],
  [
    'would touch 3 of 5 users: the panel listed 5 of about 518',
    'затронет 3 из 5 пользователей: панель показала 5 из примерно 518',
  ],
  [
    'disable_expired_users does nothing of this for 24 hours',
    'disable_expired_users ничего из этого не делает 24 часа',
  ],
  ['480 old notifications: they go out now', 'старых уведомлений: 480; они уходят сейчас'],
])('what the audit trail keeps of a brake: %s', (english, russian) => {
  expect(said(english, 'ru')).toBe(russian);
});

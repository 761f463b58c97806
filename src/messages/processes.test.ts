import { expect, test } from 'vitest';
import { processSilent } from './processes.ts';

test('a process that hangs is named, with what becomes of it', () => {
  const silent = { host: 'worker-1', pid: 123, silentMs: 30_000 };
  const text = String(processSilent(silent, 'en'));
  expect(text).toContain('A worker process has not answered for 30 s');
  expect(text).toContain('worker-1, pid 123');
  expect(String(processSilent(silent, 'ru'))).toContain('не отвечает: 30 с');
});

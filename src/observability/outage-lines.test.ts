import { expect, test } from 'vitest';
import { minutes, seconds } from '../lib/duration.ts';
import { OutageLines } from './outage-lines.ts';

const oom = Object.assign(new Error("OOM command not allowed when used memory > 'maxmemory'."), { name: 'ReplyError' });
const readOnly = Object.assign(new Error('cannot execute UPDATE in a read-only transaction'), { code: '25006' });

test('ten minutes of an outage are a line a minute, each with the number that was held back', () => {
  let now = 0;
  const lines = new OutageLines({ clock: () => now });
  const told: object[] = [];
  for (; now < minutes(10); now += 100) {
    const passed = lines.pass({ err: oom, row: 1 }, undefined);
    if (passed) told.push(passed);
  }
  expect(told).toHaveLength(10);
  expect(told[0]).toEqual({ err: oom, row: 1 });
  expect(told[1]).toEqual({ err: oom, row: 1, held_back: 599 });
});

test('each cause has its line, and each task the end of its runs', () => {
  const lines = new OutageLines({ clock: () => 0 });
  expect(lines.pass({ err: oom }, undefined)).toBeDefined();
  expect(lines.pass({ err: readOnly }, 'sync_user_stats')).toBeDefined();
  expect(lines.pass({ err: readOnly }, undefined)).toBeUndefined();
  expect(lines.pass({ err: readOnly, outcome: 'retry' }, 'sync_user_stats')).toBeDefined();
  expect(lines.pass({ err: readOnly, outcome: 'retry' }, 'sync_user_stats')).toBeUndefined();
  expect(lines.pass({ err: readOnly, outcome: 'retry' }, 'check_anomalies')).toBeDefined();
});

test('all causes and tasks together stay below 100 kB in ten minutes, in four processes', () => {
  let now = 0;
  const lines = new OutageLines({ clock: () => now });
  let told = 0;
  for (; now < minutes(10); now += seconds(1))
    for (let task = 0; task < 37; task += 1)
      if (lines.pass({ err: readOnly, outcome: 'retry' }, `task_${task}`)) told += 1;
  // A line of an outage has no stack and about 400 characters.
  expect(told * 400 * 4).toBeLessThan(100_000);
});

test('a line that tells of nothing away passes as it is, however often', () => {
  const lines = new OutageLines({ clock: () => 0 });
  const fields = { err: new Error('bad_payload'), n: 1 };
  for (let i = 0; i < 100; i += 1) expect(lines.pass(fields, 'x')).toBe(fields);
});

import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Examination, Finding } from '../examination.ts';
import type { Output } from './command.ts';
import { doctorCommands } from './doctor.ts';

const ADVICE = 'set maxmemory-policy to noeviction, in redis.conf and with CONFIG SET';

const one = (group: string, name: string, finding: Finding | Error): Examination => ({
  group,
  name,
  advice: 'look at the cable',
  examine: async () => {
    if (finding instanceof Error) throw finding;
    return finding;
  },
});

/** Prints the findings of these examinations, and returns text, JSON and exit code. */
async function doctor(
  examinations: readonly Examination[],
  screen: Pick<Output, 'isColored' | 'columns'> = { isColored: false, columns: undefined },
): Promise<{ code: number | undefined; lines: readonly string[]; value: unknown }> {
  let printed: { lines: readonly string[]; value: unknown } = { lines: [], value: undefined };
  const output: Output = {
    ...screen,
    note: () => undefined,
    print(value, lines) {
      printed = { lines, value };
    },
  };
  const context = { patient: 'task-worker 1.2.3, Node 24.0.0', examinations: () => examinations };
  const code = await doctorCommands[0]!.run({ words: [], options: {}, json: false }, context, output);
  return { code, ...printed };
}

const WELL = one('Redis', 'Server', { level: 'ok', finding: 'Redis 7.0.15, one server', latencyMs: 0.44 });
const SO_SO = one('Redis', 'Persistence', { level: 'warning', finding: 'off', advice: 'switch it on' });
const BAD = one('PostgreSQL', 'Server', new Error('no answer'));

describe('doctor', () => {
  test('reports group by group, each thing with a mark, and below what to do', async () => {
    const { lines } = await doctor([WELL, SO_SO, BAD]);
    expect(lines).toEqual([
      'task-worker 1.2.3, Node 24.0.0',
      '',
      'Redis',
      '  ✓ Server       Redis 7.0.15, one server (0.4 ms)',
      '  ! Persistence  off',
      '                 → switch it on',
      '',
      'PostgreSQL',
      '  ✗ Server       no answer',
      '                 → look at the cable',
      '',
      '1 failed, 1 to look at, 1 ok.',
    ]);
  });

  test('ends with 1 where something failed, and with 0 where there is only something to look at', async () => {
    expect((await doctor([WELL, BAD])).code).toBe(1);
    expect((await doctor([WELL, SO_SO])).code).toBe(0);
    const { code, lines } = await doctor([WELL]);
    expect(code).toBe(0);
    expect(lines.at(-1)).toBe('All 1 are well.');
  });

  test('gives machines the same', async () => {
    expect((await doctor([WELL, SO_SO, BAD])).value).toEqual([
      { group: 'Redis', name: 'Server', level: 'ok', ok: true, finding: 'Redis 7.0.15, one server', latency_ms: 0 },
      { group: 'Redis', name: 'Persistence', level: 'warning', ok: true, finding: 'off', advice: 'switch it on' },
      {
        group: 'PostgreSQL',
        name: 'Server',
        level: 'failed',
        ok: false,
        finding: 'no answer',
        advice: 'look at the cable',
      },
    ]);
  });

  test('breaks lines at the width of the terminal, and colours what it may', async () => {
    const long = one('Redis', 'When it is full', {
      level: 'failed',
      finding: 'maxmemory-policy is allkeys-lru: Redis may drop jobs when it is full',
      advice: ADVICE,
    });
    const { lines } = await doctor([WELL, long], { isColored: true, columns: 70 });
    expect(lines.map(stripVTControlCharacters).slice(2)).toEqual([
      'Redis',
      '  ✓ Server           Redis 7.0.15, one server (0.4 ms)',
      '  ✗ When it is full  maxmemory-policy is allkeys-lru: Redis may drop',
      '                     jobs when it is full',
      '                     → set maxmemory-policy to noeviction, in',
      '                       redis.conf and with CONFIG SET',
      '',
      '1 failed, 1 ok.',
    ]);
    expect(lines.join('')).toContain('\u001b[31m');
    expect((await doctor([BAD])).lines.join('')).not.toContain('\u001b');
  });
});

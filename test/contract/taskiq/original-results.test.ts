/** Results as the real Python worker stored them, and ours, read by the same code: the same fields of the same types. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { encodeResult } from '../../../src/triggers/taskiq-stream/results.ts';
import { taskiqPython } from './python.ts';
import { runScript } from './run-script.ts';

const found = await taskiqPython();
const python = 'python' in found ? found.python : '';
const title = 'skipped' in found ? `recorded results (SKIPPED: ${found.skipped})` : 'recorded results';

type Recorded = { call: { task_name: string }; pickle: string | null; read: { is_err: boolean } | null };
type Tagged = { dict: [string, unknown][] };

const RECORD = new URL('../../originals/taskiq/results.json', import.meta.url);
const { results } = JSON.parse(await readFile(RECORD, 'utf8')) as { results: Recorded[] };
const stored = results.filter(({ pickle }) => pickle !== null);

/** A record as it lies in Redis: its fields in order, each with its type. */
const shapeOf = ({ dict }: Tagged): string[] => dict.map(([name, value]) => `${name}: ${typeOf(value)}`);
const typeOf = (value: unknown): string =>
  value === null ? 'null' : typeof value === 'object' ? Object.keys(value)[0]! : typeof value;

describe.skipIf('skipped' in found)(title, () => {
  const load = async (pickles: readonly string[]) =>
    (await runScript(python, 'load_pickle.py', [], pickles)) as Tagged[];

  test('a success has the same fields', async () => {
    const theirs = await load(stored.filter(({ read }) => !read!.is_err).map(({ pickle }) => pickle!));
    const labels = { queue: 'email' };
    const [ours] = await load([
      encodeResult({ labels, executionMs: 930, returnValue: { sent: 1 } }, 'pickle').toString('base64'),
    ]);
    for (const one of theirs) expect(shapeOf(one)).toEqual(shapeOf(ours!));
  });

  test('an error has the same fields, and so has the error in it', async () => {
    const theirs = await load(stored.filter(({ read }) => read!.is_err).map(({ pickle }) => pickle!));
    const error = { name: 'TransientError', message: 'panel: 503' };
    const [ours] = await load([encodeResult({ labels: {}, executionMs: 930, error }, 'pickle').toString('base64')]);
    expect(theirs.length).toBeGreaterThan(0);
    for (const one of theirs) {
      expect(shapeOf(one)).toEqual(shapeOf(ours!));
      const names = (record: Tagged) => (record.dict.at(-1)![1] as Tagged).dict.map(([name]) => name);
      expect(names(one)).toEqual(names(ours!));
    }
  });
});

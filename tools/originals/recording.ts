import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../test/originals');

/** Where a record is from, as its file says it. */
export type Source = { readonly what: string; readonly how: string; readonly notes?: readonly string[] };

/** Writes `test/originals/<file>`, with what differs from run to run replaced. */
export async function writeRecord(file: string, { what, how, notes = [] }: Source, record: object): Promise<void> {
  const head = {
    ...{ source: `github.com/Beep206/CyberVPN, ${what}`, commit: 'e8b48e42' },
    ...{ recorded: new Date().toISOString().slice(0, 10), how, notes },
  };
  const path = join(ROOT, file);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, `${JSON.stringify({ ...head, ...(withoutChance(record) as object) }, null, 2)}\n`);
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const HEX_ID = /\b[0-9a-f]{32}\b/g;
const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)?/g;

/** The same id gets the same made-up id of the same shape, and each time its second, so that who belongs to whom can still be seen. */
function withoutChance(record: object): unknown {
  const names = new Map<string, number>();
  const number = (id: string): number => {
    const known = names.get(id) ?? names.size + 1;
    names.set(id, known);
    return known;
  };
  const text = JSON.stringify(record)
    .replaceAll(UUID, (id) => `00000000-0000-4000-8000-${number(id).toString(16).padStart(12, '0')}`)
    .replaceAll(HEX_ID, (id) => number(id).toString(16).padStart(32, '0'))
    .replaceAll(TIME, (time) => `${time.slice(0, 10)}T00:00:00${time.includes('+') ? '+00:00' : 'Z'}`);
  return JSON.parse(text);
}

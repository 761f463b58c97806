import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machine.ts';
import type { Bar, Figure, Findings, Measure } from './measure.ts';
import type { Scale } from './scale.ts';
import { median } from './statistics.ts';

const FOLDER = join(import.meta.dirname, '../results');

/** One measure as stored in `bench/results/`. */
export type Kept = {
  name: string;
  title: string;
  /** The time of the measure, ISO 8601. */
  at: string;
  scale: Scale;
  machine: Machine;
  figures: readonly (Figure & { median: number; met?: boolean })[];
  notes: readonly string[];
};

/** The last stored result of this measure at full scale. Rejects where there is none. */
export async function kept(name: string): Promise<Kept> {
  return JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8')) as Kept;
}

/** Results of an older commit, taken by its own measures; `docs/performance.md` says which and how. */
export async function keptBefore(): Promise<Kept[]> {
  const folder = join(FOLDER, 'before');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  return await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as Kept));
}

/** The result as a table for people. */
export function printed(name: string, measure: Measure, { figures, notes }: Findings): string {
  const head = ['figure', 'median', 'from', 'to', 'n', 'bar', ''];
  const rows = figures.map(({ what, unit, samples, bar }) => [
    what,
    `${round(median(samples))} ${unit}`.trim(),
    `${round(Math.min(...samples))}`,
    `${round(Math.max(...samples))}`,
    `${samples.length}`,
    bar ? wording(bar) : '',
    bar ? (isMet(bar, samples) ? 'ok' : 'MISSED') : '',
  ]);
  return [
    '',
    `${name}: ${measure.title}`,
    '',
    ...aligned([head, ...rows]),
    '',
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

/** Stores the result for machines and `docs/performance.md`: every sample, with its origin. Small runs are kept apart and not committed. */
export async function keep(
  name: string,
  { title }: Measure,
  { figures, notes }: Findings,
  machine: Machine,
  scale: Scale,
): Promise<void> {
  const at = new Date().toISOString();
  const all = figures.map((figure) => ({ ...figure, samples: figure.samples.map(round), ...summary(figure) }));
  const file = join(FOLDER, scale === 'full' ? `${name}.json` : `${name}.tmp.json`);
  await mkdir(FOLDER, { recursive: true });
  const result: Kept = { name, title, at, scale, machine, figures: all, notes };
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
}

function summary({ samples, bar }: Figure): { median: number; met?: boolean } {
  return { median: round(median(samples)), ...(bar && { met: isMet(bar, samples) }) };
}

function isMet(bar: Bar, samples: readonly number[]): boolean {
  if ('neverOver' in bar) return Math.max(...samples) <= bar.neverOver;
  const value = median(samples);
  if ('atLeast' in bar) return value >= bar.atLeast;
  return 'atMost' in bar ? value <= bar.atMost : value < bar.below;
}

/** A bar as a short text. */
export function wording(bar: Bar): string {
  if ('neverOver' in bar) return `never > ${bar.neverOver}`;
  if ('atLeast' in bar) return `≥ ${bar.atLeast}`;
  return 'atMost' in bar ? `≤ ${bar.atMost}` : `< ${bar.below}`;
}

/** Rounds to three significant digits; a shared machine is no more exact than that. */
function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isText = (column: number): boolean => column === 0 || column >= 5;
  return rows.map((row) =>
    `  ${row.map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`.trimEnd(),
  );
}

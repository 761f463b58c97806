import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { drawnNames } from '../../messages/charts/drawn-names.ts';
import { pictureSvg } from '../../messages/charts/picture.ts';
import { renderPng } from './render-chart.ts';

/** Code points that a TrueType font has a picture of: its `cmap` (https://learn.microsoft.com/typography/opentype/spec/cmap), format 12. */
function coveredBy(font: Buffer): ReadonlySet<number> {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, i) => 12 + 16 * i);
  const cmap = font.readUInt32BE(tables.find((at) => font.toString('latin1', at, at + 4) === 'cmap')! + 8);
  const subtables = Array.from(
    { length: font.readUInt16BE(cmap + 2) },
    (_, i) => cmap + font.readUInt32BE(cmap + 8 + 8 * i),
  );
  const at = subtables.find((one) => font.readUInt16BE(one) === 12)!;
  const groups = Array.from({ length: font.readUInt32BE(at + 12) }, (_, i) => at + 16 + 12 * i);
  return new Set(
    groups.flatMap((group) => {
      const [from, to] = [font.readUInt32BE(group), font.readUInt32BE(group + 4)];
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    }),
  );
}

test('every character that may stand in a picture is in the font', () => {
  const font = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf');
  const covered = coveredBy(readFileSync(font));
  expect(covered.size).toBeGreaterThan(5_000);
  const missing: string[] = [];
  for (let point = 0x20; point < 0x3000; point += 1) {
    const character = String.fromCodePoint(point);
    const { legend } = drawnNames([`A${character}Z`], 'en');
    const isDrawn = legend.length === 0 && drawnNames([`A${character}Z`], 'en').drawn[0]!.includes(character);
    if (isDrawn && !covered.has(point)) missing.push(point.toString(16));
  }
  expect(missing).toEqual([]);
});

test('a picture of everything that names and sums may be is drawn', async () => {
  const { drawn } = drawnNames(['東京', 'القاهرة', '🔥 Berlin', 'Москва'], 'ru');
  const png = await renderPng(
    pictureSvg({
      ...{ title: 'Отчёт', subtitle: '14 дней, UTC', locale: 'ru' },
      charts: [
        {
          kind: 'bars',
          title: 'Выручка',
          unit: 'RUB',
          across: 'день',
          labels: ['1'],
          series: [{ name: '', values: [150e6] }],
        },
        { kind: 'shares', title: 'Узлы', unit: '%', rows: drawn.map((name, i) => ({ name, percent: 25 * i })) },
      ],
    }),
  );
  expect(Buffer.from(png).subarray(1, 4).toString()).toBe('PNG');
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packagesIn, refused } from './licences.ts';

test('a package under AGPL, one that says nothing and one inside another package are found and may not ship', () => {
  const folder = mkdtempSync(join(tmpdir(), 'licences-'));
  const plant = (path: string, content: object): void => {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify({ name: path, version: '1.0.0', ...content }));
  };
  plant('free', { license: 'MIT' });
  plant('free/dist', { type: 'module' });
  plant('choice', { license: '(GPL-3.0-only OR MIT)' });
  plant('@scope/both', { license: 'ISC AND AGPL-3.0-only' });
  plant('free/node_modules/inner', { license: 'AGPL-3.0-only' });
  plant('silent', {});
  try {
    const packages = packagesIn(folder);
    expect(packages).toHaveLength(5);
    const names = refused(packages).map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['@scope/both', 'free/node_modules/inner', 'silent']));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

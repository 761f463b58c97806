import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { measured } from './measure.ts';
import { SRC, sources } from './sources.ts';

test('a usual change opens no more files than the house allows', async () => {
  for (const { atMost, files, is, what } of measured(await sources())) {
    expect(is, `${what}: ${files.join(', ')}`).toBeLessThanOrEqual(atMost);
  }
});

/** How each client goes by in the examinations; `policy.ts` is what they are wrapped in. */
const EXAMINED_AS: Readonly<Record<string, { file: string; as: string }>> = {
  'alert-webhook': { file: 'outside.ts', as: 'AlertWebhook' },
  backend: { file: 'outside.ts', as: 'BackendClient' },
  cryptobot: { file: 'outside.ts', as: 'cryptobot.' },
  mail: { file: 'outside.ts', as: 'Mailer' },
  remnawave: { file: 'outside.ts', as: 'panel.' },
  storage: { file: 'files.ts', as: 'storage.' },
  telegram: { file: 'outside.ts', as: 'telegram.' },
};

test('doctor looks at every outside service: one that is forgotten there is found here', async () => {
  const entries = (await readdir(`${SRC}clients`)).filter((entry) => !entry.endsWith('.test.ts'));
  const names = [...new Set(entries.map((entry) => entry.split('.')[0]!))].filter((name) => name !== 'policy');
  expect(new Set(names)).toEqual(new Set(Object.keys(EXAMINED_AS)));
  for (const { as, file } of Object.values(EXAMINED_AS)) {
    expect(await readFile(`${SRC}app/doctor/${file}`, 'utf8'), file).toContain(as);
  }
});

import { expect, test } from 'vitest';
import { surface } from './surface.ts';

test('the names that others know are those of the record: a change here is a change of a contract, `vitest run -u` writes it', async () => {
  await expect(`${JSON.stringify(await surface(), undefined, 1)}\n`).toMatchFileSnapshot('surface.json');
});

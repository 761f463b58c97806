import { expect, test } from 'vitest';
import { ownQuantities } from './quantities.ts';
import { sources } from './sources.ts';

test('spans, numbers and plurals are said in one place', async () => {
  expect(ownQuantities(await sources())).toEqual([]);
});

/** Written with `#`, since a placeholder in plain text is what the linter takes for a mistake. */
const placed = (line: string): string => line.replaceAll('#{', `${'$'}{`);

test.each([
  'html`Took #{minutes} min. Job`',
  '`#{hours} h`',
  '`#{seconds} с`',
  'html`<b>#{n}</b> nodes are offline`',
  '`#{attempts} попыток`',
  '`#{n} attempts`',
  '`#{share} %`',
  '`#{size} MB`',
  'value.toFixed(1)',
  'n.toLocaleString(locale)',
  "new Intl.NumberFormat('en').format(n)",
  "new Intl.PluralRules('ru').select(n)",
])('one that says it by itself is found: %s', (line) => {
  expect(ownQuantities(new Map([['messages/planted.ts', placed(line)]]))).toHaveLength(1);
  expect(ownQuantities(new Map([['triggers/http/console/planted.ts', placed(line)]]))).toHaveLength(1);
  expect(ownQuantities(new Map([['lib/quantities.ts', placed(line)]]))).toEqual([]);
});

test.each(["howMany(n, 'attempt', locale)", 'html`<b>#{name}</b> starts`', '`#{a} of #{b}`', "'10 minutes ago'"])(
  'what is none is left alone: %s',
  (line) => {
    expect(ownQuantities(new Map([['messages/planted.ts', placed(line)]]))).toEqual([]);
  },
);

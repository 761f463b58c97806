import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from '../../testing/any-text.ts';
import { drawnNames } from './drawn-names.ts';

test.each<[string, names: string[], drawn: string[], legend: [drawn: string, name: string][]]>([
  [
    'what the font has stays',
    ['Amsterdam 1', 'Москва-2', 'Αθήνα', 'Երևան', 'თბილისი', 'ירושלים', 'القاهرة', 'Łódź №3'],
    [],
    [],
  ],
  ['an ornament goes', ['🇩🇪 Berlin', '⚡️ Fast 🔥', '👩‍💻 Dev', 'Kyiv 1️⃣'], ['Berlin', 'Fast', 'Dev', 'Kyiv 1'], []],
  ['a letter that is written in two parts is one', ['Zu\u0308rich'], ['Zürich'], []],
  [
    'letters that the font does not have are said in the text',
    ['東京', 'Tokyo', '서울', 'กรุงเทพ', 'दिल्ली'],
    ['node 1', 'Tokyo', 'node 3', 'node 4', 'node 5'],
    [
      ['node 1', '東京'],
      ['node 3', '서울'],
      ['node 4', 'กรุงเทพ'],
      ['node 5', 'दिल्ली'],
    ],
  ],
  ['nor is a name half drawn', ['東京 Tokyo'], ['node 1'], [['node 1', '東京 Tokyo']]],
  [
    'what is an ornament alone',
    ['🔥', '', '\u200b'],
    ['node 1', 'node 2', 'node 3'],
    [
      ['node 1', '🔥'],
      ['node 2', ''],
      ['node 3', '\u200b'],
    ],
  ],
  [
    'two that would look the same',
    ['🇩🇪 1', '🇳🇱 1', 'frankfurt-premium-node-01', 'frankfurt-premium-node-02'],
    ['node 1', 'node 2', 'node 3', 'node 4'],
    [
      ['node 1', '🇩🇪 1'],
      ['node 2', '🇳🇱 1'],
      ['node 3', 'frankfurt-premium-node-01'],
      ['node 4', 'frankfurt-premium-node-02'],
    ],
  ],
  [
    'one that is called as a placeholder is',
    ['node 2', '東京'],
    ['node 1', 'node 2'],
    [
      ['node 1', 'node 2'],
      ['node 2', '東京'],
    ],
  ],
])('%s', (_, names, drawn, legend) => {
  const found = drawnNames(names, 'en');
  expect(found.drawn).toEqual(drawn.length > 0 ? drawn : names);
  expect(found.legend.map((entry) => [entry.drawn, entry.name])).toEqual(legend);
});

test('property: whatever the names are, each is drawn, no two alike, and what is not itself is in the legend', () => {
  fc.assert(
    fc.property(fc.array(anyText(30), { maxLength: 8 }), (names) => {
      const { drawn, legend } = drawnNames(names, 'ru');
      expect(new Set(drawn).size).toBe(names.length);
      for (const name of drawn) expect([...name].length).toBeLessThanOrEqual(18);
      expect(drawn.every((name) => name !== '')).toBe(true);
      expect(legend.every(({ drawn: one }) => drawn.includes(one))).toBe(true);
    }),
  );
});

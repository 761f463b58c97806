import { ONION } from '../../src/app/onion.ts';

const BEGIN = '<!-- onion: made by `npm run docs` from src/app/onion.ts -->';
const END = '<!-- /onion -->';

/** The page with its picture of the layers made anew. Throws where the page has no place for it. */
export function withOnion(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`docs/architecture.md has no place for the onion: ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${picture()}\n\n${page.slice(end)}`;
}

/** Each layer inside the one above it, and the task in the middle. */
function picture(): string {
  const width = Math.max(...ONION.map(({ name }, i) => name.length + 2 * i));
  const rows = ONION.map(({ does, name }, i) => `${branch(i)}${name}`.padEnd(width + 4) + does);
  return ['```text', ...rows, `${branch(ONION.length)}the task's run`, '```'].join('\n');
}

const branch = (depth: number): string => (depth === 0 ? '' : `${'  '.repeat(depth - 1)}└ `);

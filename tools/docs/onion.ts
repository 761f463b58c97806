import { ONION } from '../../src/app/onion.ts';

/** The layers around a run: each inside the one above it, and the task in the middle. */
export function onionPicture(): string {
  const width = Math.max(...ONION.map(({ name }, i) => name.length + 2 * i));
  const rows = ONION.map(({ does, name }, i) => `${branch(i)}${name}`.padEnd(width + 4) + does);
  return ['```text', ...rows, `${branch(ONION.length)}the task's run`, '```'].join('\n');
}

const branch = (depth: number): string => (depth === 0 ? '' : `${'  '.repeat(depth - 1)}└ `);

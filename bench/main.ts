/**
 * `node bench/main.ts [name…]`: runs the measures of those names, or all, one after the other. `SCALE=small` shortens them. A missed bar is
 * shown and does not fail the command, because on a shared machine only a person can judge it.
 */
import { readdir } from 'node:fs/promises';
import { nearest } from '../src/lib/nearest.ts';
import { describeMachine } from './harness/machine.ts';
import type { Measure } from './harness/measure.ts';
import { keep, printed } from './harness/report.ts';
import { readScale } from './harness/scale.ts';

const scale = readScale(process.env.SCALE);
const files = await readdir(import.meta.dirname);
const known = files.filter((file) => file.endsWith('.ts') && file !== 'main.ts').map((file) => file.slice(0, -3));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known;
for (const name of wanted) {
  if (!known.includes(name))
    throw new Error(
      `There is no measure '${name}'; did you mean ${nearest(name, known)}? There are ${known.join(', ')}.`,
    );
}

const { load: _, ...platform } = await describeMachine();
console.log(
  Object.entries(platform)
    .map(([what, value]) => `${what} ${value}`)
    .join(' · '),
);
for (const name of wanted) {
  const { measure } = (await import(`./${name}.ts`)) as { measure: Measure };
  const machine = await describeMachine();
  const findings = await measure.run(scale);
  console.log(printed(name, measure, findings));
  await keep(name, measure, findings, machine, scale);
}

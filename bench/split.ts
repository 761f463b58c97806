import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Figure, Measure } from './harness/measure.ts';
import { rounds } from './harness/scale.ts';
import { sideBySide } from './harness/side-by-side.ts';

/** A unit that is repeated until the text has a million characters. */
const SHAPES: Readonly<Record<string, string>> = {
  'many tags': '<b>x</b>',
  'one word': 'x',
  'deep tags of one name': '<i>x',
  'deep tags of many names': '<i>x<b>y<code>z<u>',
  'tags that are none': '<a <a ',
  entities: '&lt;',
  emoji: '👩‍👩‍👧‍👦',
  links: '<a href="https://example.org/">x</a> ',
};
const BAR_MS = { below: 100 };
const BAR_MB = { below: 20 };

export const measure: Measure = {
  title: 'cutting a message of a million characters into parts, in its worst shapes',
  limits:
    'Two passes over the text: one to see how much fits and where it is best to cut, one to write it. Of texts that are nothing but tags most is spent on reading each of them. Longer than 655,360 characters no message is read at all.',

  async run(scale) {
    const figures: Figure[] = [];
    for (const [shape, unit] of Object.entries(SHAPES)) {
      const extraMb: number[] = [];
      const one = async (): Promise<number> => {
        const taken = await splitIn(unit);
        extraMb.push(taken.extraMb);
        return taken.ms;
      };
      const { ms } = await sideBySide({ ms: one }, rounds(scale));
      figures.push(
        { what: shape, unit: 'ms', samples: ms, bar: BAR_MS },
        { what: `${shape}: memory`, unit: 'MB', samples: extraMb.slice(1), bar: BAR_MB },
      );
    }
    return {
      figures,
      notes: [
        'Each round in a process of its own, with the flags of a worker; the time is the processor time of its main thread for the second text, which is for how long a worker does nothing else, the memory what the process took more at most than before the first.',
      ],
    };
  },
};

async function splitIn(unit: string): Promise<{ ms: number; extraMb: number }> {
  const module = fileURLToPath(new URL('contestants/split.ts', import.meta.url));
  const child = spawn(process.execPath, [module, unit], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [taken] = (await once(child, 'message')) as [{ ms: number; extraMb: number }];
  await once(child, 'exit');
  return taken;
}

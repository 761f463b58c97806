import { measured } from '../house/measure.ts';
import { sources } from '../house/sources.ts';

/** Files to open for a usual change, as a table; the test in tools/house holds the limits. */
export async function houseTable(): Promise<string> {
  const rows = measured(await sources()).map(
    ({ atMost, files, is, what }) =>
      `| ${what} | ${is} | ${atMost} | ${files.map((path) => `\`${path}\``).join(', ')} |`,
  );
  return ['| what | files | at most | which |', '|---|---|---|---|', ...rows].join('\n');
}

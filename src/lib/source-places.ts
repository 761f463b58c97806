import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type MappedPlace, walkMappings } from './source-map.ts';

/** Places of one stack after the other, mostly the same ones. */
const REMEMBERED = 1_000;

/**
 * Has stacks tell places in `src/` where a bundle runs. Node can do so too, and then holds each map in memory, parsed: 8 MB in a
 * worker process after its first error. Here a map is read when a place is first asked for, and let go.
 */
export function tellSourcePlaces(): void {
  const places = new Map<string, string>();
  const sourcePlace = (place: string, file: string, line: string, column: string): string => {
    const known = places.get(place);
    if (known !== undefined) return known;
    if (places.size >= REMEMBERED) places.clear();
    const found = look(file, Number(line), Number(column)) ?? place;
    places.set(place, found);
    return found;
  };
  Error.prepareStackTrace = (error, calls) =>
    [headOf(error), ...calls.map((call) => `    at ${String(call).replace(PLACE, sourcePlace)}`)].join('\n');
}

/** A place of a stack in one of our files, as V8 writes it; 4096 characters is the longest path of Linux. */
const PLACE = /(file:\/\/[^\s():]{1,4096}):(\d{1,9}):(\d{1,9})/;

/** As V8 does it, an error that cannot tell its name stops nothing. */
function headOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return '<error>';
  }
}

/** Undefined where the file has no map, or none for this place. */
function look(file: string, line: number, column: number): string | undefined {
  try {
    const { mappings, sources } = JSON.parse(readFileSync(fileURLToPath(`${file}.map`), 'utf8')) as {
      mappings: string;
      sources: string[];
    };
    let found: MappedPlace | undefined;
    walkMappings(mappings, (at, segment) => {
      if (at > line - 1 || (at === line - 1 && segment.column >= column)) return true;
      if (at === line - 1) found = { ...segment };
      return false;
    });
    return found && `${new URL(sources[found.source]!, file).href}:${found.line + 1}:${found.at + 1}`;
  } catch {
    return undefined;
  }
}

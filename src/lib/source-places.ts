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
  const sourcePlace = (file: string, line: number, column: number): string => {
    const place = `${file}:${line}:${column}`;
    const known = places.get(place);
    if (known !== undefined) return known;
    if (places.size >= REMEMBERED) places.clear();
    const found = look(file, line, column) ?? place;
    places.set(place, found);
    return found;
  };
  Error.prepareStackTrace = (error, calls) =>
    [headOf(error), ...calls.map((call) => `    at ${callWith(sourcePlace, call)}`)].join('\n');
}

/** A call as V8 writes it, with its place in one of our files as `sourcePlace` tells it. */
function callWith(sourcePlace: (file: string, line: number, column: number) => string, call: NodeJS.CallSite): string {
  const [file, line, column] = [call.getFileName(), call.getLineNumber(), call.getColumnNumber()];
  if (!file?.startsWith('file://') || line === null || column === null) return String(call);
  return String(call).replace(`${file}:${line}:${column}`, () => sourcePlace(file, line, column));
}

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

import { fileURLToPath } from 'node:url';
import { CODE_FOLDER } from '../lib/code-folder.ts';
import { errorCode } from '../lib/errors.ts';

/** One place in the code, in the words of Sentry: https://develop.sentry.dev/sdk/data-model/event-payloads/stacktrace/ */
export type Frame = { filename: string; function?: string; lineno: number; colno: number; in_app: boolean };

export type DescribedError = { type: string; value: string; stacktrace?: { frames: Frame[] } };

const ROOT = new URL('../', CODE_FOLDER).href;
const ROOT_PATH = fileURLToPath(ROOT);
const NAME = /^[\w$]{1,60}$/;
const CAUSES_AT_MOST = 5;

/** A line of V8's stack, and nothing else: the same text has the message, which may look like a stack. */
const LINE =
  /^ {4}at (?:(?:async |new )*(?<name>[\w$.<>#]{1,80}(?: \[as [\w$.<>#]{1,80}\])?) \()?(?<file>(?:file:\/\/|node:|\/)[^\s()]{1,300}):(?<line>\d+):(?<column>\d+)\)?$/;

/** Describes the error and its causes, the innermost first, by class, code and place, never by message. */
export function describeThrown(error: unknown, group: readonly [string, string]): DescribedError[] {
  if (!(error instanceof Error)) return [{ type: group[0], value: group[1] }];
  const chain: Error[] = [];
  for (let one: unknown = error; one instanceof Error && chain.length < CAUSES_AT_MOST; one = one.cause)
    chain.push(one);
  return chain.map(describeOne).reverse();
}

function describeOne(error: Error): DescribedError {
  const type = NAME.test(error.name) ? error.name : 'Error';
  const code = errorCode(error);
  const frames = framesOf(error);
  return { type, value: NAME.test(code) ? code : type, ...(frames.length > 0 && { stacktrace: { frames } }) };
}

/** The frames, the innermost last, as Sentry wants them. */
function framesOf({ message, stack = '' }: Error): Frame[] {
  // A message of several lines may hold some that look like places.
  const start = stack.indexOf(message);
  const places = start === -1 ? '' : stack.slice(start + message.length);
  return places
    .split('\n')
    .flatMap((text) => {
      const found = LINE.exec(text)?.groups;
      if (!found) return [];
      const filename = shortened(found.file!);
      const place = { filename, lineno: Number(found.line), colno: Number(found.column) };
      return [{ ...place, ...(found.name && { function: found.name }), in_app: filename.startsWith('src/') }];
    })
    .reverse();
}

/** The path from the root of this program, so that machines do not differ. A file outside of it is named without its folder. */
function shortened(file: string): string {
  if (file.startsWith('node:')) return file;
  for (const root of [ROOT, ROOT_PATH]) if (file.startsWith(root)) return file.slice(root.length);
  return file.slice(file.lastIndexOf('/') + 1);
}

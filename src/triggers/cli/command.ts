import type { ParseArgsOptionsConfig } from 'node:util';
import { z } from 'zod';
import { PermanentError } from '../../lib/errors.ts';
import { issueInWords, issuesInWords } from '../../lib/issue-in-words.ts';
import type { Act } from '../act.ts';

/** Thrown when the words of a command line do not fit the command. The process exits with 64 (EX_USAGE of sysexits.h). */
export class UsageError extends PermanentError {
  override name = 'UsageError';

  constructor(message: string) {
    super('usage', message);
  }
}

/** The person at the terminal. */
export type PersonContext = {
  caller: string;
  /** The time of Redis, as everywhere: this machine may be another one than those of the workers. */
  clock(): Date;
  /** Writes what they did into `audit_logs`. Never throws: where it cannot be recorded, a note says so. */
  record(act: Act): Promise<void>;
};

/** Exit code of sysexits.h for work that is not done yet. */
export const EX_TEMPFAIL = 75;

export type CommandArgs = {
  /** Words after the command's name that are not options. */
  words: readonly string[];
  options: Readonly<Record<string, string | boolean | undefined>>;
  /** Prints one JSON document for machines instead of a table. */
  json: boolean;
};

/** The output of a command. `print` takes its answer: in JSON mode the value, else the lines. */
export type Output = {
  print(value: unknown, lines: readonly string[]): void;
  /** Says something besides the answer, such as progress. */
  note(sentence: string): void;
  /** Whether lines may be coloured: the terminal can show it, and `NO_COLOR` is not set. */
  isColored: boolean;
  /** Width of the terminal in characters; undefined where the output is no terminal. */
  columns: number | undefined;
};

export type Command<Context> = {
  /** As typed: `dead-letters replay`. */
  name: string;
  /** After the name: `<task> [--payload JSON]`. */
  usage: string;
  summary: string;
  /** The most words that may follow its name. More are a mistake, such as a payload without `--payload`. */
  maxWords: number;
  options?: ParseArgsOptionsConfig;
  /** Returns the exit code; undefined means 0. */
  run(args: CommandArgs, context: Context, output: Output): Promise<number | undefined>;
};

/** The `--payload` option as an object. Throws `UsageError` where it is not an object. */
export function payloadOption(args: CommandArgs): Record<string, unknown> {
  const text = args.options.payload;
  if (text === undefined) return {};
  // Node reads the words of a command line as UTF-8, and puts this character where they are something else.
  if (String(text).includes('\u{FFFD}'))
    throw new UsageError('--payload must be UTF-8; it has bytes of another encoding, or the character U+FFFD');
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(String(text)));
  } catch {
    throw new UsageError(`--payload must be a JSON object, such as --payload '{"telegram_id": 1}'`);
  }
}

/** The word at a position. Throws `UsageError` naming what is missing. */
export function wordAt(args: CommandArgs, position: number, what: string): string {
  const word = args.words[position];
  if (word === undefined) throw new UsageError(`${what} is missing`);
  return word;
}

/** The options of a command by this schema, whose fields are `snake_case`. Throws `UsageError` naming the option and what it must be. */
export function optionsBy<T>(schema: z.ZodType<T>, { options }: CommandArgs): T {
  const given = Object.entries(options).map(([name, value]) => [name.replaceAll('-', '_'), value]);
  const parsed = schema.safeParse(Object.fromEntries(given), { error: issueInWords });
  if (parsed.success) return parsed.data;
  const [issue] = issuesInWords(parsed.error.issues);
  throw new UsageError(`--${String(issue?.path[0]).replaceAll('_', '-')} ${issue?.message}`);
}

/** Rows as aligned columns. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, cell.length)), []);
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

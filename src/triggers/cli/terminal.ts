import { parseArgs } from 'node:util';
import { ConfigError } from '../../config.ts';
import { errorMessage, TransientError } from '../../lib/errors.ts';
import { isServerAway } from '../../lib/server-away.ts';
import { PayloadError } from '../../runtime/payload-error.ts';
import { UnfinishedError } from '../../runtime/run-to-end.ts';
import { type Command, type CommandArgs, EX_TEMPFAIL, type Output, UsageError } from './command.ts';

/** The process as a command sees it; a test can take its place. */
export type Terminal = {
  env: Readonly<Record<string, string | undefined>>;
  stdout(text: string): void;
  stderr(text: string): void;
  /** The capabilities of standard output; plain text where absent. */
  screen?: { isColored: boolean; columns: number | undefined };
  /** Resolves with the reason when the process is asked to end. */
  stop: Promise<string>;
};

/** `terminal` with every text changed by `mask`: an error, a task's result or the doctor's report may hold a whole address. */
export function masked(terminal: Terminal, mask: (text: string) => string): Terminal {
  return {
    ...terminal,
    stdout: (text) => terminal.stdout(mask(text)),
    stderr: (text) => terminal.stderr(mask(text)),
  };
}

/** Exit codes of sysexits.h for wrong words, such as a payload that does not fit, and for a wrong configuration. Others end with 1. */
const EX_USAGE = 64;
const EX_CONFIG = 78;

/** The words after a command's name. Throws `UsageError` with the command's usage where they do not fit it. */
export function readArgs(
  argv: readonly string[],
  command: Pick<Command<never>, 'maxWords' | 'name' | 'options' | 'usage'>,
): CommandArgs {
  const { values, positionals } = parsed(argv, command);
  const surplus = positionals[command.maxWords];
  if (surplus !== undefined) throw new UsageError(`'${surplus}' is a word too many. ${usageOf(command)}`);
  const { json, ...options } = values as Record<string, string | boolean | undefined>;
  return { words: positionals, options, json: json === true };
}

function parsed(argv: readonly string[], command: Pick<Command<never>, 'name' | 'options' | 'usage'>) {
  try {
    return parseArgs({
      args: [...argv],
      options: { ...command.options, json: { type: 'boolean' } },
      allowPositionals: true,
    });
  } catch (error) {
    // Node's first sentence says what is wrong; the others explain a syntax that no command here needs.
    throw new UsageError(`${errorMessage(error).split(/\.\s/)[0]}. ${usageOf(command)}`);
  }
}

export const usageOf = ({ name, usage }: Pick<Command<never>, 'name' | 'usage'>): string =>
  `Usage: task-worker ${name} ${usage}`.trimEnd();

/** Prints a command's answer: for people, or as one JSON document where they asked for that. */
export function outputOf(args: CommandArgs, terminal: Terminal): Output {
  return {
    print: (value, lines) => terminal.stdout(`${args.json ? JSON.stringify(value) : lines.join('\n')}\n`),
    note: (sentence) => terminal.stderr(`${sentence}\n`),
    isColored: terminal.screen?.isColored ?? false,
    columns: terminal.screen?.columns,
  };
}

/** The error as a sentence. Drivers name neither a server that is away nor the remedy. */
function sentenceOf(error: unknown): string {
  const message = errorMessage(error);
  if (error instanceof TransientError || !isServerAway(error)) return message;
  return `Redis or PostgreSQL does not answer (${message}); \`task-worker doctor\` says which, and what to do`;
}

/** Prints the failure and returns the exit code. */
export function sayFailure(error: unknown, terminal: Terminal): number {
  terminal.stderr(`${sentenceOf(error)}\n`);
  if (error instanceof ConfigError) return EX_CONFIG;
  if (error instanceof UnfinishedError) return EX_TEMPFAIL;
  return error instanceof UsageError || error instanceof PayloadError ? EX_USAGE : 1;
}

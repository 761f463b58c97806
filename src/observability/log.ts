import { pino } from 'pino';
import { errorCode } from '../lib/errors.ts';
import { isServerAway } from '../lib/server-away.ts';
import { OutageLines } from './outage-lines.ts';
import { writeInBatches } from './write-in-batches.ts';
import { writeLines } from './write-lines.ts';

/** The part of the logger that code may use; pino's own type stays in this file. */
export type Log = {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
};

export type LogOptions = {
  level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR';
  /** Fields on every line: role, version, process. */
  base: Readonly<Record<string, unknown>>;
  /** Texts that must never be written: tokens and passwords of this process. */
  secrets: readonly string[];
  /** More fields for each line, read when the line is logged. */
  fields?: (() => object | undefined) | undefined;
  /** Commands write their answer to standard output, so they log to the other stream. */
  stream?: 'stdout' | 'stderr';
  /** Called with the number of lines that could not be written. */
  onDropped?: (lines: number) => void;
};

const LEVELS = { DEBUG: 'debug', INFO: 'info', WARNING: 'warn', ERROR: 'error' } as const;
const MASK = '***';

/**
 * Logs JSON lines; an error that ends the process loses none (`write-in-batches.ts`). Every finished line is searched for the secrets of
 * this process, in any field, message or stack: a list of field names could not see them all.
 */
export function openLog(options: LogOptions): Log {
  const mask = masker(options.secrets);
  const { fields } = options;
  const outages = new OutageLines();
  const write = writeLines(process[options.stream ?? 'stdout'], (lines) => options.onDropped?.(lines));
  return pino(
    {
      level: LEVELS[options.level],
      base: options.base,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
      serializers: { err: describeError },
      hooks: {
        logMethod([given, ...rest], log) {
          const passed = outages.pass(given as object, this.bindings().task);
          if (passed) log.apply(this, [passed, ...rest]);
        },
      },
      ...(fields && { mixin: () => fields() ?? {} }),
    },
    { write: writeInBatches((lines) => write(mask(lines))) },
  );
}

/** Replaces each secret of at least 6 characters by `***`, also where it is percent-encoded or escaped for JSON. */
export function masker(secrets: readonly string[]): (text: string) => string {
  const all = new Set(
    secrets
      .filter((secret) => secret.length >= 6)
      .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]),
  );
  const found = [...all].sort((a, b) => b.length - a.length);
  if (found.length === 0) return (text) => text;
  const pattern = new RegExp(found.map((secret) => secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'), 'g');
  return (text) => text.replace(pattern, MASK);
}

/**
 * Name, code, message, stack and causes, but no other field of an error: libraries put requests with their headers there. The stack of a
 * server that is away leads into a driver and is left out.
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    type: error.name,
    code: errorCode(error),
    message: error.message,
    ...(!isServerAway(error) && { stack: error.stack }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

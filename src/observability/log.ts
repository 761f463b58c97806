import { type Logger, pino } from 'pino';
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
  const write = writeLines(process[options.stream ?? 'stdout'], (lines) => options.onDropped?.(lines));
  const lines = pino(
    {
      level: LEVELS[options.level],
      base: options.base,
      timestamp: timestamps(),
      formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
      serializers: { err: describeError },
      ...(fields && { mixin: () => fields() ?? {} }),
    },
    { write: writeInBatches((text) => write(mask(text))) },
  );
  return new BoundLog(lines, new OutageLines(), {});
}

/** Writes its own fields on each line. A run has one of its own, and a child of pino costs more than the line itself. */
class BoundLog implements Log {
  readonly #lines: Logger;
  readonly #outages: OutageLines;
  readonly #own: Readonly<Record<string, unknown>>;

  constructor(lines: Logger, outages: OutageLines, own: Readonly<Record<string, unknown>>) {
    this.#lines = lines;
    this.#outages = outages;
    this.#own = own;
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  child(fields: object): Log {
    return new BoundLog(this.#lines, this.#outages, { ...this.#own, ...fields });
  }

  #write(level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string): void {
    if (!this.#lines.isLevelEnabled(level)) return;
    const passed = this.#outages.pass(fields, this.#own.task);
    if (passed) this.#lines[level]({ ...this.#own, ...passed }, message);
  }
}

/** Many lines are of the same millisecond. */
function timestamps(): () => string {
  let ms = 0;
  let text = '';
  return () => {
    const now = Date.now();
    if (now !== ms) {
      ms = now;
      text = `,"time":"${new Date(now).toISOString()}"`;
    }
    return text;
  };
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

import { badText } from '../../lib/bad-text.ts';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { utf8In } from '../../lib/utf8-in.ts';
import { parseLabels } from './labels.ts';

/** One call as a Python producer sent it: `data` of a stream entry, parsed, with labels in their own types again. */
export type TaskiqMessage = {
  readonly taskId: string;
  readonly taskName: string;
  /** All labels, also those that mean nothing here: they go into the result record. */
  readonly labels: Readonly<Record<string, unknown>>;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
};

const NONE: ReadonlySet<string> = new Set();

/** Few and stable, fit for a metric label. */
export type RejectReason = 'no_data' | 'not_json' | 'too_complex' | 'missing_field' | 'invalid_field';

/** Either a message, or the reason why the bytes are not one, with the task id where that could be read. */
export type Parsed =
  | { readonly ok: true; readonly message: TaskiqMessage }
  | { readonly ok: false; readonly reason: RejectReason; readonly detail: string; readonly taskId?: string };

/** Our own limit. Ids of `taskiq` have 32 characters, those of the backend 36; a longer text is not an id. */
const MAX_TASK_ID_LENGTH = 256;

type Field = { expected: string; fits: (value: unknown, taken: ReadonlySet<string>) => boolean };

const FIELDS: Readonly<Record<string, Field>> = {
  task_id: {
    expected: `text of 1 to ${MAX_TASK_ID_LENGTH} characters without a colon, and not the name of a stream: the result is stored under it`,
    fits: isTaskId,
  },
  task_name: { expected: 'text that is not empty', fits: (value) => typeof value === 'string' && value !== '' },
  labels: { expected: 'an object', fits: isObject },
  args: { expected: 'an array', fits: Array.isArray },
  kwargs: { expected: 'an object', fits: isObject },
};

/**
 * Reads the `data` field of a stream entry. Never throws. It requires the fields that `taskiq` itself requires (`TaskiqMessage` in
 * taskiq/message.py); `labels_types` may be absent or null, as the backend sends it. `taken` has the names of the streams: nothing may be
 * stored under them.
 */
export function parseMessage(data: Uint8Array | undefined, taken: ReadonlySet<string> = NONE): Parsed {
  if (!data) return { ok: false, reason: 'no_data', detail: 'The stream entry has no field named data' };
  const tooMuch = jsonTextProblem(data);
  if (tooMuch !== undefined) return { ok: false, reason: 'too_complex', detail: `The message ${tooMuch}` };
  const text = utf8In(data);
  if (text === undefined) return { ok: false, reason: 'not_json', detail: 'The data is not UTF-8' };
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    return { ok: false, reason: 'not_json', detail: `The data is not JSON: ${(error as Error).message}` };
  }
  if (!isObject(json)) return { ok: false, reason: 'invalid_field', detail: 'The message is JSON, but not an object' };
  return fromObject(json, taken);
}

function fromObject(json: Record<string, unknown>, taken: ReadonlySet<string>): Parsed {
  const known = isTaskId(json.task_id, taken) ? { taskId: json.task_id } : {};
  for (const [field, { expected, fits }] of Object.entries(FIELDS)) {
    if (!Object.hasOwn(json, field)) {
      return {
        ok: false,
        reason: 'missing_field',
        detail: `The message has no ${field}; it must be ${expected}`,
        ...known,
      };
    }
    if (!fits(json[field], taken)) {
      return { ok: false, reason: 'invalid_field', detail: `${field} of the message must be ${expected}`, ...known };
    }
  }
  const message: TaskiqMessage = {
    taskId: json.task_id as string,
    taskName: json.task_name as string,
    labels: parseLabels(json.labels as Record<string, unknown>, json.labels_types),
    args: json.args as unknown[],
    kwargs: json.kwargs as Record<string, unknown>,
  };
  return { ok: true, message };
}

/** Sixteen digits in a row may be an integer that a double cannot hold. */
const LONG_NUMBER = /\d{16}/;
const LONG_INTEGER = /^-?[1-9]\d{15,}$/;

/** Python's integers have no bounds: those beyond 2^53 become text with every digit, never a rounded number. */
function parseJson(text: string): unknown {
  return JSON.parse(LONG_NUMBER.test(text) ? withLongIntegersQuoted(text) : text);
}

/** A reviver of `JSON.parse` would be called for each value, and a message may have a million. */
function withLongIntegersQuoted(text: string): string {
  const signs = /"|-?\d[\d.eE+-]*/g;
  const kept: string[] = [];
  let from = 0;
  for (let found = signs.exec(text); found; found = signs.exec(text)) {
    const [sign] = found;
    if (sign === '"') signs.lastIndex = endOfString(text, found.index);
    else if (LONG_INTEGER.test(sign) && !Number.isSafeInteger(Number(sign))) {
      kept.push(text.slice(from, found.index), `"${sign}"`);
      from = signs.lastIndex;
    }
  }
  return kept.join('') + text.slice(from);
}

/** The place after the quote that ends the string. A backslash takes the sign after it out of the search. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text[before] === '\\') before -= 1;
    if ((end - before) % 2 === 1) return end + 1;
  }
  return text.length;
}

/** The keys of a queue itself, which BullMQ keeps beside its jobs: words such as `wait`, `meta` and `stalled-check`. */
const WORD = /^[a-z-]+$/i;

/**
 * The id of the job that holds this message. It is the task id itself, except where BullMQ cannot hold that. It takes a word of its own for
 * a job that is there already, and adds nothing. It refuses text that `parseInt` gives back as it is: integers (bullmq/classes/job.js,
 * `validateOptions`). It adds a job whose id is less than zero as a number, and then takes the returned id for an error code
 * (bullmq/classes/scripts.js, `addJob`).
 */
export function jobIdOf(taskId: string): string {
  const isRefused = WORD.test(taskId) || String(Number.parseInt(taskId, 10)) === taskId;
  if (!isRefused && !(Number(taskId) < 0)) return taskId;
  return `taskiq-${Buffer.from(taskId).toString('base64url')}`;
}

/**
 * A result is stored under the bare id, because Python's result backend looks there. Every other key of this service and of the platform
 * has a colon, but for the streams.
 */
function isTaskId(value: unknown, taken: ReadonlySet<string>): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TASK_ID_LENGTH) return false;
  return !value.includes(':') && !taken.has(value) && badText(value) === undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

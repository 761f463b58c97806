import { seconds } from '../../lib/duration.ts';

/** The options that the labels of a message ask for. */
export type MessageOptions = {
  /** 0 to 2,097,152; smaller is more urgent, as in BullMQ. */
  readonly priority?: number;
  /** Time limit of one attempt in milliseconds; the label `timeout` is in seconds. */
  readonly timeoutMs?: number;
  /** Milliseconds to wait before the first attempt; the label `delay` is in seconds. */
  readonly delayMs?: number;
  readonly retryPolicy?: string;
  readonly queue?: string;
  readonly maxRetries?: number;
  /** The task is to list what it would do. A task without a mass effect ends as a dead letter: it must not act instead. */
  readonly dryRun?: boolean;
  /** Labels with a meaning but an unusable value (`timeout: "soon"`): they are kept and have no effect. */
  readonly unusable: readonly string[];
};

/** BullMQ's largest priority, 2^21 (https://docs.bullmq.io/guide/jobs/prioritized). */
const MAX_PRIORITY = 2_097_152;
/** Node's timers hold 2^31 ms, which is a little more. */
const MAX_TIMEOUT_SECONDS = 24 * 24 * 3600;
/** A wait that is longer than a year is a typing error. */
const MAX_DELAY_SECONDS = 366 * 24 * 3600;
const MAX_RETRIES = 100;

/**
 * Labels in the types that they had in Python. `taskiq` sends each label as text, with its type in `labels_types` (`LabelType` in
 * taskiq/labels.py: 1 any, 2 int, 3 text, 4 float, 5 bool, 6 base64 bytes). Labels without types stay as they are. Values that JSON cannot
 * hold stay text: bytes, NaN, infinities, integers beyond 2^53. So does a value that cannot be read as its type.
 */
export function parseLabels(labels: Readonly<Record<string, unknown>>, types: unknown): Record<string, unknown> {
  const typeOf = new Map(typeof types === 'object' && types !== null ? Object.entries(types) : []);
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, parseLabel(value, typeOf.get(name))]));
}

function parseLabel(value: unknown, type: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (type === 2) return /^\s*[+-]?\d+\s*$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (type === 4) return value.trim() !== '' && Number.isFinite(Number(value)) ? Number(value) : value;
  if (type === 5) return value.toLowerCase() === 'true';
  return value;
}

/** The options that the honoured labels ask for; unknown labels have no effect. */
export function messageOptions(labels: Readonly<Record<string, unknown>>): MessageOptions {
  const unusable: string[] = [];
  const read = <T>(name: string, as: (value: unknown) => T | undefined): T | undefined => {
    const label = Object.hasOwn(labels, name) ? labels[name] : undefined;
    // Python's `None`, typed "any", arrives as text.
    if (label === undefined || label === null || label === 'None') return undefined;
    const value = as(label);
    if (value === undefined) unusable.push(name);
    return value;
  };
  const timeout = read('timeout', (value) => positive(numberIn(value, 0, MAX_TIMEOUT_SECONDS)));
  const delay = read('delay', (value) => numberIn(value, 0, MAX_DELAY_SECONDS));
  return present({
    priority: read('priority', (value) => integerIn(value, 0, MAX_PRIORITY)),
    timeoutMs: timeout === undefined ? undefined : Math.ceil(seconds(timeout)),
    delayMs: delay === undefined ? undefined : Math.ceil(seconds(delay)),
    retryPolicy: read('retry_policy', nonEmptyText),
    queue: read('queue', nonEmptyText),
    dryRun: read('dry_run', truth),
    maxRetries: read('max_retries', (value) => integerIn(value, 0, MAX_RETRIES)),
    unusable,
  });
}

function numberIn(value: unknown, min: number, max: number): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && number >= min && number <= max ? number : undefined;
}

function integerIn(value: unknown, min: number, max: number): number | undefined {
  const number = numberIn(value, min, max);
  return Number.isInteger(number) ? number : undefined;
}

const positive = (number: number | undefined) => (number === 0 ? undefined : number);
/** Anything but a clear `false` asks for a dry run: acting on a misspelt wish could not be taken back. */
const truth = (value: unknown): boolean => !/^(false|0|no|off|)$/i.test(String(value).trim());
const nonEmptyText = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

type Optional<T> = { [K in keyof T]: T[K] | undefined };

/** The same without fields that are undefined. */
function present({ unusable, ...options }: Optional<MessageOptions>): MessageOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...given, unusable: unusable ?? [] };
}

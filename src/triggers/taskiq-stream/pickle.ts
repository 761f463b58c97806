import { PermanentError } from '../../lib/errors.ts';

/** Protocol 2: every Python 3 reads it. Opcodes: https://github.com/python/cpython/blob/3.13/Lib/pickletools.py */
const PROTOCOL = Buffer.from([0x80, 2]);
const NONE = Buffer.from('N');
const TRUE = Buffer.from([0x88]);
const FALSE = Buffer.from([0x89]);
const EMPTY_LIST = Buffer.from(']');
const EMPTY_DICT = Buffer.from('}');
const MARK = Buffer.from('(');
const APPENDS = Buffer.from('e');
const SETITEMS = Buffer.from('u');
const STOP = Buffer.from('.');
const opcode = {
  int32: 'J'.charCodeAt(0),
  long1: 0x8a,
  long4: 0x8b,
  float: 'G'.charCodeAt(0),
  text: 'X'.charCodeAt(0),
};

/**
 * A plain value as Python pickle: `pickle.loads` gives None, bool, int, float, str, list and dict, and imports nothing. Follows the rules
 * of `JSON.stringify` (`toJSON`, undefined fields left out, undefined items None), but keeps bigint, NaN and infinities. A whole number
 * becomes an int. Throws `PermanentError` for values that JSON has no form for, and for circles.
 */
export function pickle(value: unknown): Buffer {
  const out: Buffer[] = [PROTOCOL];
  new Pickler(out).write(value, '');
  out.push(STOP);
  return Buffer.concat(out);
}

class Pickler {
  readonly #out: Buffer[];
  /** The containers around the current value. */
  readonly #open = new Set<object>();

  constructor(out: Buffer[]) {
    this.#out = out;
  }

  write(given: unknown, key: string): void {
    const value = hasToJson(given) ? given.toJSON(key) : given;
    if (Array.isArray(value)) this.#inside(value, () => this.#list(value));
    else if (isPlainObject(value)) this.#inside(value, () => this.#dict(value));
    else this.#out.push(scalar(value, key));
  }

  #list(items: readonly unknown[]): void {
    this.#out.push(EMPTY_LIST, MARK);
    for (const [index, item] of items.entries()) this.write(item, String(index));
    this.#out.push(APPENDS);
  }

  #dict(fields: object): void {
    this.#out.push(EMPTY_DICT, MARK);
    for (const [name, field] of Object.entries(fields)) {
      if (field === undefined) continue;
      this.#out.push(text(name));
      this.write(field, name);
    }
    this.#out.push(SETITEMS);
  }

  #inside(container: object, write: () => void): void {
    if (this.#open.has(container)) throw unwritable('a value that contains itself');
    this.#open.add(container);
    write();
    this.#open.delete(container);
  }
}

function scalar(value: unknown, key: string): Buffer {
  if (value === null || value === undefined) return NONE;
  if (typeof value === 'boolean') return value ? TRUE : FALSE;
  if (typeof value === 'string') return text(value);
  if (typeof value === 'bigint') return integer(value);
  if (typeof value === 'number') return number(value);
  throw unwritable(`${describe(value)} at ${JSON.stringify(key)}`);
}

/** -0 is a float in Python too: an int would lose its sign. */
function number(value: number): Buffer {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return integer(value);
  const bytes = Buffer.alloc(9);
  bytes[0] = opcode.float;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function integer(value: number | bigint): Buffer {
  if (value < -0x8000_0000 || value > 0x7fff_ffff) return long(BigInt(value));
  const bytes = Buffer.alloc(5);
  bytes[0] = opcode.int32;
  bytes.writeInt32LE(Number(value), 1);
  return bytes;
}

/** Two's complement, little endian, with room for the sign. */
function long(value: bigint): Buffer {
  const magnitude = value < 0n ? -value : value;
  const length = Math.floor(magnitude.toString(16).length / 2) + 1;
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0');
  const digits = Buffer.from(hex, 'hex').reverse();
  if (length < 256) return Buffer.concat([Buffer.from([opcode.long1, length]), digits]);
  return Buffer.concat([withLength(opcode.long4, length), digits]);
}

/** UTF-8; a lone surrogate, which no text should have, becomes U+FFFD. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([withLength(opcode.text, bytes.length), bytes]);
}

function withLength(code: number, length: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = code;
  bytes.writeUInt32LE(length, 1);
  return bytes;
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  return value !== null && typeof value === 'object' && 'toJSON' in value && typeof value.toJSON === 'function';
}

function isPlainObject(value: unknown): value is object {
  if (value === null || typeof value !== 'object') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function describe(value: unknown): string {
  return typeof value === 'object' ? `an instance of ${value?.constructor.name}` : `a ${typeof value}`;
}

function unwritable(what: string): PermanentError {
  return new PermanentError(
    'result_unwritable',
    `pickle: cannot write ${what}; return plain JSON values from the task`,
  );
}

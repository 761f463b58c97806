import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PermanentError } from '../../lib/errors.ts';
import { pickle } from './pickle.ts';

describe('the bytes are those of protocol 2', () => {
  test.each([
    [null, 'N'],
    [true, '\x88'],
    [false, '\x89'],
    [1, 'J\x01\0\0\0'],
    [-2, 'J\xfe\xff\xff\xff'],
    [2 ** 31, '\x8a\x05\0\0\0\x80\0'],
    [1.5, 'G?\xf8\0\0\0\0\0\0'],
    ['é', 'X\x02\0\0\0\xc3\xa9'],
    [[], '](e'],
    [{}, '}(u'],
    [{ a: [1] }, '}(X\x01\0\0\0a](J\x01\0\0\0eu'],
  ])('%j', (value, body) => {
    expect(pickle(value).toString('latin1')).toBe(`\x80\x02${body}.`);
  });
});

test('any plain value reads back as the same', () => {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: -(2n ** 3000n), max: 2n ** 3000n }),
    fc.double(),
    fc.string({ unit: 'grapheme' }),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, leaf, fc.array(tie('value')), fc.dictionary(fc.string(), tie('value'))),
  }));
  fc.assert(
    fc.property(value, (given) => {
      expect(unpickle(pickle(given))).toEqual(ints(given));
    }),
  );
});

describe('what JSON does not say is left out or refused', () => {
  test('undefined fields are left out, undefined items are None', () => {
    expect(unpickle(pickle({ a: undefined, b: [undefined] }))).toEqual({ b: [null] });
  });

  test('a Date is its ISO text', () => {
    expect(unpickle(pickle({ at: new Date(0) }))).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });

  test('a value used twice is written twice; one that contains itself is refused', () => {
    const twice = { a: 1 };
    expect(unpickle(pickle([twice, twice]))).toEqual([{ a: 1n }, { a: 1n }]);
    const circle: unknown[] = [];
    circle.push({ circle });
    expect(() => pickle(circle)).toThrow(PermanentError);
  });

  test.each([
    ['a Map', new Map()],
    ['a function', () => 1],
    ['bytes', new Uint8Array(1)],
    ['a symbol', Symbol('x')],
  ])('%s is refused with its place', (_, value) => {
    expect(() => pickle({ field: value })).toThrow(/at "field"/);
  });
});

/** Whole numbers as bigint, as `unpickle` gives Python's int. */
function ints(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(ints);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, ints(field)]));
}

/** The few opcodes that `pickle` writes, as Python's machine runs them; the contract tests ask Python itself. */
function unpickle(bytes: Buffer): unknown {
  const stack: unknown[] = [];
  const marks: number[] = [];
  const long = (at: number, length: number) =>
    BigInt.asIntN(
      8 * length,
      BigInt(
        `0x${Buffer.from(bytes.subarray(at, at + length))
          .reverse()
          .toString('hex')}`,
      ),
    );
  for (let at = 2; ; ) {
    const code = String.fromCharCode(bytes[at]!);
    at += 1;
    if (code === '.') return stack.pop();
    else if (code === 'N') stack.push(null);
    else if (code === '\x88') stack.push(true);
    else if (code === '\x89') stack.push(false);
    else if (code === ']') stack.push([]);
    else if (code === '}') stack.push({});
    else if (code === '(') marks.push(stack.length);
    else if (code === 'J') {
      stack.push(BigInt(bytes.readInt32LE(at)));
      at += 4;
    } else if (code === 'G') {
      stack.push(bytes.readDoubleBE(at));
      at += 8;
    } else if (code === 'X') {
      const end = at + 4 + bytes.readUInt32LE(at);
      stack.push(bytes.toString('utf8', at + 4, end));
      at = end;
    } else if (code === '\x8a') {
      stack.push(long(at + 1, bytes[at]!));
      at += 1 + bytes[at]!;
    } else if (code === '\x8b') {
      const length = bytes.readUInt32LE(at);
      stack.push(long(at + 4, length));
      at += 4 + length;
    } else if (code === 'e') {
      const items = stack.splice(marks.pop()!);
      (stack.at(-1) as unknown[]).push(...items);
    } else if (code === 'u') {
      const items = stack.splice(marks.pop()!);
      const pairs = items.flatMap((name, i) => (i % 2 === 0 ? [[name as string, items[i + 1]] as const] : []));
      stack.push(Object.fromEntries([...Object.entries(stack.pop() as object), ...pairs]));
    } else throw new Error(`no opcode of ours: ${code}`);
  }
}

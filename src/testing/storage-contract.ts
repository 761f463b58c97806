import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Storage, StoredObject } from '../clients/storage/storage.ts';
import { days } from '../lib/duration.ts';
import { PermanentError } from '../lib/errors.ts';

/** A storage that a test can look into. */
export type TestedPlace = AsyncDisposable & {
  storage: Storage;
  /** Leaves half of an object behind, as a killed process does, begun `ageMs` ago. */
  abandon(ageMs: number): Promise<void>;
  /** The full names of everything in it, including half-written objects. */
  everything(): Promise<string[]>;
};

const { signal } = new AbortController();

/** Adds the tests that every storage must pass, a folder, a bucket or another S3 service, to the `describe` around the call. */
export function keepsStorageContract(start: () => Promise<TestedPlace>): void {
  let place: TestedPlace;
  let storage: Storage;
  beforeAll(async () => {
    place = await start();
    storage = place.storage;
  });
  afterAll(() => place[Symbol.asyncDispose]());

  const read = async (name: string, range?: { start: number; end?: number }): Promise<Buffer | undefined> => {
    const body = await storage.open(name, signal, range);
    return body && Buffer.concat(await body.toArray());
  };
  const listed = async (folder = ''): Promise<StoredObject[]> => {
    const found = (await Readable.from(storage.list(folder, signal)).toArray()) as StoredObject[];
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  };

  test('gives back what was put, with its size and age', async () => {
    expect(await storage.put('a.csv', Buffer.from('id,name\n'), signal)).toEqual({ bytes: 8 });
    expect((await read('a.csv'))?.toString()).toBe('id,name\n');
    const stat = await storage.stat('a.csv', signal);
    expect(stat).toMatchObject({ name: 'a.csv', bytes: 8 });
    expect(Math.abs(Date.now() - stat!.modifiedAt.getTime())).toBeLessThan(5_000);
    await storage.delete('a.csv', signal);
  });

  test('takes 20 MB as a stream and gives back any range of it', async () => {
    const whole = randomBytes(20_000_000);
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < whole.length; at += 65_536) yield whole.subarray(at, at + 65_536);
    };
    expect(await storage.put('big.csv', chunks(), signal)).toEqual({ bytes: whole.length });
    expect(whole.equals((await read('big.csv'))!)).toBe(true);
    expect(await read('big.csv', { start: 9_000_000, end: 9_000_009 })).toEqual(whole.subarray(9_000_000, 9_000_010));
    expect(await read('big.csv', { start: whole.length - 5 })).toEqual(whole.subarray(-5));
    await storage.delete('big.csv', signal);
  });

  test('replaces an object of the same name', async () => {
    await storage.put('twice.csv', Buffer.from('first'), signal);
    await storage.put('twice.csv', Buffer.from('second'), signal);
    expect((await read('twice.csv'))?.toString()).toBe('second');
    await storage.delete('twice.csv', signal);
  });

  test('takes an object without any bytes', async () => {
    expect(await storage.put('empty.csv', Buffer.alloc(0), signal)).toEqual({ bytes: 0 });
    expect(await read('empty.csv')).toEqual(Buffer.alloc(0));
    await storage.delete('empty.csv', signal);
  });

  test('lists one folder, over several pages, and not those below', async () => {
    const names = ['1.csv', '2.csv', '3.csv', '4.csv', '5.csv', '6.csv', '7.csv'];
    for (const name of [...names, 'below/8.csv']) await storage.put(name, Buffer.from(name), signal);
    expect((await listed()).map(({ name }) => name)).toEqual(names);
    expect(await listed('below')).toMatchObject([{ name: 'below/8.csv', bytes: 11 }]);
    for (const name of [...names, 'below/8.csv']) await storage.delete(name, signal);
    expect(await listed()).toEqual([]);
  });

  test('what is not there: no bytes, no size, nothing to delete', async () => {
    expect(await read('nothing.csv')).toBeUndefined();
    expect(await storage.stat('nothing.csv', signal)).toBeUndefined();
    await storage.delete('nothing.csv', signal);
    expect(await listed('nowhere')).toEqual([]);
  });

  test('content that fails half-way leaves nothing, and its own error comes through', async () => {
    const error = new Error('the database is gone');
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(17_000_000);
      throw error;
    };
    await expect(storage.put('half.csv', failing(), signal)).rejects.toBe(error);
    expect(await place.everything()).toEqual([]);
  });

  test('an object is not seen before it is whole, and an aborted one never', async () => {
    const controller = new AbortController();
    const stopped = new Error('stopped');
    const halfWay = Promise.withResolvers<void>();
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      yield randomBytes(17_000_000);
      halfWay.resolve();
      await delay(60_000, undefined, { signal: controller.signal });
    };
    const put = storage.put('slow.csv', slow(), controller.signal);
    await halfWay.promise;
    expect(await storage.stat('slow.csv', signal)).toBeUndefined();
    expect(await listed()).toEqual([]);
    controller.abort(stopped);
    await expect(put).rejects.toBe(stopped);
    expect(await storage.stat('slow.csv', signal)).toBeUndefined();
  });

  test('what killed uploads left behind goes once it is old enough', async () => {
    await storage.deleteUnfinished(new Date(Date.now() + days(1)), signal);
    for (let n = 0; n < 5; n += 1) await place.abandon(days(2));
    await place.abandon(0);
    expect(await storage.deleteUnfinished(new Date(Date.now() - days(1)), signal)).toEqual({ deleted: 5 });
    expect(await place.everything()).toHaveLength(1);
    expect(await storage.deleteUnfinished(new Date(Date.now() + days(1)), signal)).toEqual({ deleted: 1 });
    expect(await place.everything()).toEqual([]);
  });

  test.each([
    '../x',
    '/etc/passwd',
    'a//b',
    '',
    '.unfinished/x',
    'a/../../b',
    'a\0b',
    '-rf',
    'x'.repeat(300),
    'a/b/c/d/e',
  ])('refuses the name %j', async (name) => {
    await expect(storage.put(name, Buffer.from('x'), signal)).rejects.toThrow(PermanentError);
    await expect(storage.open(name, signal)).rejects.toThrow(PermanentError);
    await expect(storage.delete(name, signal)).rejects.toThrow(PermanentError);
    expect(await place.everything()).toEqual([]);
  });
}

import type { Readable } from 'node:stream';
import { PermanentError } from '../../lib/errors.ts';

/** What lies under a name. */
export type StoredObject = {
  readonly name: string;
  readonly bytes: number;
  /** When it was stored, by the storage's own clock. */
  readonly modifiedAt: Date;
};

/** Bytes from `start` to `end`, both included, as in an HTTP `Range`. Without `end`: to the last one. */
export type ByteRange = { readonly start: number; readonly end?: number };

/** Content that may be of any length: it is never held in memory as a whole. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Where exports and the audit archive lie: a folder or a bucket. Names are relative paths such as `users.csv` or
 * `audit-logs/2026-01-01.jsonl.gz`; any other name is refused with a `PermanentError` before anything is touched.
 * Failures of the place itself (full, unreachable, not allowed) are `TransientError`s that name it.
 */
export interface Storage {
  /** For messages: the folder's path, or `s3://bucket/prefix`. */
  readonly place: string;
  /**
   * Stores content under `name`, replacing what was there, and resolves once it would survive a crash of the machine. It
   * appears whole or not at all: what an abort, an error or a kill leaves behind is seen only by `deleteUnfinished`.
   */
  put(name: string, content: Content, signal: AbortSignal): Promise<{ bytes: number }>;
  /** Objects directly in `folder` (`''` is the top), in no particular order; those of folders below are not listed. */
  list(folder: string, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** Size and age, or undefined where nothing has that name. */
  stat(name: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  /** The bytes, whole or a range that lies within them; undefined where nothing has that name. Destroy it or read it to its end. */
  open(name: string, signal: AbortSignal, range?: ByteRange): Promise<Readable | undefined>;
  /** Deleting what is not there is no error. */
  delete(name: string, signal: AbortSignal): Promise<void>;
  /** Removes what interrupted `put`s left behind and has not grown since `before`; answers how many there were. */
  deleteUnfinished(before: Date, signal: AbortSignal): Promise<number>;
}

/** A letter or digit first, so that no name is hidden, `..` or an option; at most 200 characters, which every file system takes. */
const SEGMENT = /^[A-Za-z0-9][\w.=-]{0,199}$/;
const MAX_SEGMENTS = 4;

/** Throws `PermanentError` unless `name` is made of at most four plain segments. */
export function assertName(name: string): void {
  const segments = name.split('/');
  if (segments.length <= MAX_SEGMENTS && segments.every((segment) => SEGMENT.test(segment))) return;
  throw new PermanentError('storage_name', `storage: '${name.slice(0, 80)}' is no name for an object`);
}

import type { Readable } from 'node:stream';
import { PermanentError } from '../../lib/errors.ts';

/** The object under a name. */
export type StoredObject = {
  readonly name: string;
  readonly bytes: number;
  /** The time at which it was stored, by the storage's own clock. */
  readonly modifiedAt: Date;
};

/** Bytes from `start` to `end`, both included, as in an HTTP `Range`. Without `end`, to the last byte. */
export type ByteRange = { readonly start: number; readonly end?: number };

/** Content of any length. It is never held in memory as a whole. */
export type Content = Uint8Array | AsyncIterable<Uint8Array>;

/** Says that an upload moves. */
export type Moved = () => void;

/** What an interrupted `put` left, and the time at which it last grew. */
export type Unfinished = Pick<StoredObject, 'modifiedAt' | 'name'>;

/** How many remains were removed, and why no more, where the storage may not be asked for them. */
export type Remains = { deleted: number; refused?: string };

/**
 * The storage of exports and the audit archive: a folder or a bucket. Names are relative paths such as `users.csv` or
 * `audit-logs/2026-01-01.jsonl.gz`; any other name is refused with a `PermanentError` before the storage is touched. Failures of the
 * storage itself (full, unreachable, not allowed) are `TransientError`s that name it.
 */
export interface Storage {
  /** For messages: the folder's path, or `s3://bucket/prefix`. */
  readonly place: string;
  /**
   * Stores content under `name`, replacing an earlier object, and resolves once it would survive a crash of the machine. The object appears
   * whole or not at all: only `deleteUnfinished` sees the remains of an abort, an error or a kill. `moved` is called as often as bytes leave,
   * also within a part that takes minutes.
   */
  put(name: string, content: Content, signal: AbortSignal, moved?: Moved): Promise<{ bytes: number }>;
  /** Objects directly in `folder` (`''` is the top), in no particular order, without those of subfolders. */
  list(folder: string, signal: AbortSignal): AsyncIterable<StoredObject>;
  /** Size and age; undefined where no object has that name. */
  stat(name: string, signal: AbortSignal): Promise<StoredObject | undefined>;
  /**
   * The bytes of the object or of a range within it; undefined where no object has that name. The caller must read the stream to its end or
   * destroy it.
   */
  open(name: string, signal: AbortSignal, range?: ByteRange): Promise<Readable | undefined>;
  /** Deletes the object. A missing object is not an error. */
  delete(name: string, signal: AbortSignal): Promise<void>;
  /** The remains of interrupted `put`s that have not grown since `before`, by a name that tells them apart. Refused where it may not look. */
  unfinished(before: Date, signal: AbortSignal): AsyncIterable<Unfinished>;
  /** Removes the remains of interrupted `put`s that have not grown since `before`. */
  deleteUnfinished(before: Date, signal: AbortSignal): Promise<Remains>;
}

/** A letter or digit comes first, so that no name is hidden, `..` or an option. At most 200 characters, which every file system takes. */
const SEGMENT = /^[A-Za-z0-9][\w.=-]{0,199}$/;
const MAX_SEGMENTS = 4;

/** Throws `PermanentError` unless `name` has at most four segments, all plain. */
export function assertName(name: string): void {
  const segments = name.split('/');
  if (segments.length <= MAX_SEGMENTS && segments.every((segment) => SEGMENT.test(segment))) return;
  throw new PermanentError('storage_name', `storage: '${name.slice(0, 80)}' is no name for an object`);
}

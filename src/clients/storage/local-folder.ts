import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, opendir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { TransientError } from '../../lib/errors.ts';
import {
  assertName,
  type ByteRange,
  type Content,
  type Moved,
  type Remains,
  type Storage,
  type StoredObject,
  type Unfinished,
} from './storage.ts';

/** The folder for content that has no name yet. Hidden, so that no valid name leads there. */
const UNFINISHED = '.unfinished';

/** Objects hold personal data: only the service's own account may read them. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** Stores objects as files of one folder, which the first write creates. */
export class LocalFolder implements Storage {
  readonly place: string;

  constructor(folder: string) {
    this.place = folder;
  }

  async put(name: string, content: Content, signal: AbortSignal, moved?: Moved): Promise<{ bytes: number }> {
    const path = this.#path(name);
    const draft = join(this.place, UNFINISHED, randomUUID());
    return await this.#told(`put ${name}`, signal, async () => {
      for (const file of [draft, path]) await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE });
      try {
        const bytes = await writeDraft(draft, content, signal, moved);
        await rename(draft, path);
        for (const folder of new Set([dirname(path), this.place])) await syncFolder(folder);
        return { bytes };
      } catch (error) {
        await rm(draft, { force: true });
        throw error;
      }
    });
  }

  async *list(folder: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    if (folder !== '') assertName(folder);
    yield* this.#files(folder, signal);
  }

  async stat(name: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const path = this.#path(name);
    const found = await this.#told(`stat ${name}`, signal, () => lstat(path).catch(absent));
    return found?.isFile() ? { name, bytes: found.size, modifiedAt: found.mtime } : undefined;
  }

  async open(name: string, signal: AbortSignal, range?: ByteRange): Promise<Readable | undefined> {
    const found = await this.stat(name, signal);
    if (!found) return undefined;
    return createReadStream(this.#path(name), { ...range, signal });
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    const path = this.#path(name);
    await this.#told(`delete ${name}`, signal, () => rm(path, { force: true }));
  }

  async *unfinished(before: Date, signal: AbortSignal): AsyncGenerator<Unfinished> {
    for await (const { modifiedAt, name } of this.#files(UNFINISHED, signal))
      if (modifiedAt < before) yield { modifiedAt, name };
  }

  async deleteUnfinished(before: Date, signal: AbortSignal): Promise<Remains> {
    let deleted = 0;
    for await (const { name } of this.unfinished(before, signal)) {
      await this.#told(`delete ${name}`, signal, () => rm(join(this.place, name), { force: true }));
      deleted += 1;
    }
    return { deleted };
  }

  /** Regular files only: a symbolic link in the folder is neither listed nor followed. */
  async *#files(folder: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    const path = join(this.place, folder);
    const entries = await this.#told(`list ${path}`, signal, () => opendir(path).catch(absent));
    for await (const entry of entries ?? []) {
      signal.throwIfAborted();
      if (!entry.isFile()) continue;
      const found = await lstat(join(path, entry.name)).catch(absent);
      if (found) yield { name: join(folder, entry.name), bytes: found.size, modifiedAt: found.mtime };
    }
  }

  #path(name: string): string {
    assertName(name);
    return join(this.place, name);
  }

  /** Runs `act`. Its error names the place and quotes the operating system. */
  async #told<T>(what: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (!isOfTheDisk(error)) throw error;
      const message = `storage ${what}: ${error.code} in ${this.place}; EXPORT_DIR must be writable and have space`;
      throw new TransientError('storage_failed', message, { cause: error });
    }
  }
}

async function writeDraft(
  path: string,
  content: Content,
  signal: AbortSignal,
  moved: Moved = () => undefined,
): Promise<number> {
  await using file = await open(path, 'wx', FILE_MODE);
  let bytes = 0;
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    signal.throwIfAborted();
    await writeAll(file, chunk);
    moved();
    bytes += chunk.length;
  }
  // The content must be on disk before the name, or a crash could leave a name without it.
  await file.sync();
  return bytes;
}

/** Writes the whole chunk, because one `write` may take only a part. */
async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) done += (await file.write(chunk, done)).bytesWritten;
}

/** Makes a rename survive a crash. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path);
  await folder.sync();
}

function absent(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
  throw error;
}

/** The errors of the folder itself. Content comes from elsewhere, such as a database, whose errors are not the folder's. */
const DISK_CODES = new Set([
  'EACCES',
  'EDQUOT',
  'EEXIST',
  'EIO',
  'EISDIR',
  'EMFILE',
  'ENOENT',
  'ENOSPC',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]);

const isOfTheDisk = (error: unknown): error is NodeJS.ErrnoException => DISK_CODES.has(codeOf(error) ?? '');

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

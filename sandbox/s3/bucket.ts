import { createHash, randomUUID } from 'node:crypto';

/** What a caller writes beside an object: headers that begin with `x-amz-meta-`. */
export type Metadata = Readonly<Record<string, string>>;
export type Stored = {
  readonly body: Buffer;
  readonly modifiedAt: Date;
  readonly etag: string;
  readonly metadata: Metadata;
};
export type Unfinished = {
  readonly key: string;
  readonly initiatedAt: Date;
  readonly parts: Map<number, Buffer>;
  readonly metadata: Metadata;
};

/** One bucket in memory. */
export class Bucket {
  readonly objects = new Map<string, Stored>();
  /** Uploads in parts that were neither completed nor aborted, by their id. */
  readonly uploads = new Map<string, Unfinished>();
  /** The clock that dates objects and uploads. */
  clock: () => Date = () => new Date();

  put(key: string, body: Buffer, metadata: Metadata = {}): Stored {
    const stored = { body, modifiedAt: this.clock(), etag: etagOf(body), metadata };
    this.objects.set(key, stored);
    return stored;
  }

  begin(key: string, metadata: Metadata = {}): string {
    const id = randomUUID();
    this.uploads.set(id, { key, initiatedAt: this.clock(), parts: new Map(), metadata });
    return id;
  }

  /** False where no upload has this id. */
  addPart(id: string, number: number, body: Buffer): boolean {
    return this.uploads.get(id)?.parts.set(number, body) !== undefined;
  }

  /** Undefined where no upload has this id. */
  complete(id: string, numbers: readonly number[]): Stored | undefined {
    const upload = this.uploads.get(id);
    if (!upload || !numbers.every((number) => upload.parts.has(number))) return undefined;
    this.uploads.delete(id);
    const body = Buffer.concat(numbers.map((number) => upload.parts.get(number)!));
    return this.put(upload.key, body, upload.metadata);
  }
}

export const etagOf = (body: Buffer): string => `"${createHash('md5').update(body).digest('hex')}"`;

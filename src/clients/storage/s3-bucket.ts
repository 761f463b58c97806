import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  ListMultipartUploadsOutput,
  ListMultipartUploadsRequest,
  MultipartUpload,
  S3Client,
} from '@aws-sdk/client-s3';
import { seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage } from '../../lib/errors.ts';
import { sendInPieces } from './s3-pieces.ts';
import { loadSdk, type S3Options, type Sdk } from './s3-sdk.ts';
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
import { mayBeStored, storageError } from './storage-error.ts';

/**
 * Objects are sent in parts of this size, two at once: 16 MiB of memory for any length. With at most 10,000 parts
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html) an object may have 78 GiB.
 */
const PART_BYTES = 8 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

/** Each `put` marks its object by an id of its own, in the object's metadata, so that a look tells it from one that was there before. */
const PUT_ID = 'put-id';
/** A look after lost answers. They took long enough. */
const LOOK_MS = seconds(5);

/** Stores objects in a bucket of AWS or of a service with its protocol: MinIO, Ceph, R2. */
export class S3Bucket implements Storage, Disposable {
  readonly place: string;
  readonly #options: S3Options;
  #sdk: Promise<Sdk> | undefined;

  constructor(options: S3Options) {
    this.place = `s3://${options.bucket}/${options.prefix}`;
    this.#options = options;
  }

  async put(name: string, content: Content, signal: AbortSignal, moved?: Moved): Promise<{ bytes: number }> {
    const Key = this.#key(name);
    const source = new CountedContent(content, moved);
    const id = randomUUID();
    return await this.#call([`put ${name}`, 's3:PutObject'], signal, async (sdk) => {
      const upload = new sdk.Upload({
        client: source.watch(sdk.client),
        params: { Bucket: this.#options.bucket, Key, Body: Readable.from(source), Metadata: { [PUT_ID]: id } },
        partSize: PART_BYTES,
        queueSize: PARTS_AT_ONCE,
      });
      const abort = (): void => void upload.abort();
      signal.addEventListener('abort', abort, { once: true });
      try {
        await upload.done();
        return { bytes: source.bytes };
      } catch (error) {
        const reason = source.reasonOf(error);
        const isOfContent = reason instanceof ContentError;
        if (isOfContent || !mayBeStored(reason) || !(await this.#isThere(sdk, Key, id, signal))) throw reason;
        return { bytes: source.bytes };
      } finally {
        signal.removeEventListener('abort', abort);
      }
    });
  }

  async *list(folder: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    const inside = folder === '' ? `${this.#options.prefix}/` : `${this.#key(folder)}/`;
    let token: string | undefined;
    do {
      const page = await this.#call([`list ${folder}`, 's3:ListBucket'], signal, ({ client, ListObjectsV2Command }) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: this.#options.bucket,
            Prefix: inside,
            Delimiter: '/',
            ContinuationToken: token,
          }),
          { abortSignal: signal },
        ),
      );
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key === undefined || Key === inside || !LastModified) continue;
        yield { name: this.#name(Key), bytes: Size ?? 0, modifiedAt: LastModified };
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async stat(name: string, signal: AbortSignal): Promise<StoredObject | undefined> {
    const Key = this.#key(name);
    const found = await this.#call([`stat ${name}`, 's3:GetObject'], signal, ({ client, HeadObjectCommand }) =>
      client.send(new HeadObjectCommand({ Bucket: this.#options.bucket, Key }), { abortSignal: signal }).catch(absent),
    );
    return found && { name, bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) };
  }

  async open(name: string, signal: AbortSignal, range?: ByteRange): Promise<Readable | undefined> {
    const Key = this.#key(name);
    const Range = range && `bytes=${range.start}-${range.end ?? ''}`;
    const found = await this.#call([`open ${name}`, 's3:GetObject'], signal, ({ client, GetObjectCommand }) =>
      client
        .send(new GetObjectCommand({ Bucket: this.#options.bucket, Key, Range }), { abortSignal: signal })
        .catch(absent),
    );
    // The SDK's type covers browsers too; on Node the body is a Node stream: https://github.com/aws/aws-sdk-js-v3#streams
    return found?.Body as Readable | undefined;
  }

  async delete(name: string, signal: AbortSignal): Promise<void> {
    const Key = this.#key(name);
    await this.#call([`delete ${name}`, 's3:DeleteObject'], signal, ({ client, DeleteObjectCommand }) =>
      client.send(new DeleteObjectCommand({ Bucket: this.#options.bucket, Key }), { abortSignal: signal }),
    );
  }

  async *unfinished(before: Date, signal: AbortSignal): AsyncGenerator<Unfinished> {
    for await (const { Initiated, Key, UploadId } of this.#oldUploads(before, signal))
      yield { name: `${Key}#${UploadId}`, modifiedAt: Initiated };
  }

  async deleteUnfinished(before: Date, signal: AbortSignal): Promise<Remains> {
    let deleted = 0;
    try {
      for await (const { Key, UploadId } of this.#oldUploads(before, signal)) {
        const upload = { Bucket: this.#options.bucket, Key, UploadId };
        await this.#call(
          ['abort upload', 's3:AbortMultipartUpload'],
          signal,
          ({ AbortMultipartUploadCommand, client }) =>
            client.send(new AbortMultipartUploadCommand(upload), { abortSignal: signal }).catch(absent),
        );
        deleted += 1;
      }
    } catch (error) {
      if (errorCode(error) !== 'storage_refused') throw error;
      return { deleted, refused: errorMessage(error) };
    }
    return { deleted };
  }

  async *#oldUploads(before: Date, signal: AbortSignal): AsyncGenerator<MultipartUpload & { Initiated: Date }> {
    for await (const { Initiated, ...upload } of this.#uploads(signal))
      if (Initiated && Initiated < before) yield { ...upload, Initiated };
  }

  [Symbol.dispose](): void {
    void this.#sdk?.then(({ client }) => client.destroy());
  }

  /** Multipart uploads that were neither completed nor aborted. They are not objects, but cost money anyway. */
  async *#uploads(signal: AbortSignal): AsyncGenerator<MultipartUpload> {
    const bucket = { Bucket: this.#options.bucket, Prefix: `${this.#options.prefix}/` };
    let marker: Pick<ListMultipartUploadsOutput, 'KeyMarker' | 'UploadIdMarker'> | undefined = {};
    while (marker) {
      const input: ListMultipartUploadsRequest = { ...bucket, ...marker };
      const page: ListMultipartUploadsOutput | undefined = await this.#call(
        ['list uploads', 's3:ListBucketMultipartUploads'],
        signal,
        (sdk) => sdk.client.send(new sdk.ListMultipartUploadsCommand(input), { abortSignal: signal }).catch(absent),
      );
      // Some S3 services ignore the prefix, and uploads outside it belong to others.
      yield* (page?.Uploads ?? []).filter(({ Key }) => Key?.startsWith(bucket.Prefix));
      marker = page?.IsTruncated
        ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
        : undefined;
    }
  }

  /** Whether the object is the one that this `put` sent. False where that cannot be seen. */
  async #isThere({ client, HeadObjectCommand }: Sdk, Key: string, id: string, signal: AbortSignal): Promise<boolean> {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]);
    const look = new HeadObjectCommand({ Bucket: this.#options.bucket, Key });
    const found = await client.send(look, { abortSignal }).catch(() => undefined);
    return found?.Metadata?.[PUT_ID] === id;
  }

  #key(name: string): string {
    assertName(name);
    return `${this.#options.prefix}/${name}`;
  }

  #name(key: string): string {
    return key.slice(this.#options.prefix.length + 1);
  }

  /** Runs `act`. Its error names the bucket, quotes S3 and says what to do. */
  async #call<T>(
    [what, permission]: readonly [what: string, permission: string],
    signal: AbortSignal,
    act: (sdk: Sdk) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    this.#sdk ??= loadSdk(this.#options);
    try {
      const sdk = await this.#sdk;
      signal.throwIfAborted();
      return await act(sdk);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ContentError) throw error.thrown;
      throw storageError({ what, permission, place: this.place }, error);
    }
  }
}

/** Passes content on and counts its bytes. What fails first of the content and the calls to S3 is the reason; the rest follows from it. */
class CountedContent implements AsyncIterable<Uint8Array> {
  bytes = 0;
  readonly #content: Content;
  readonly #moved: Moved;
  #first: { error: unknown } | undefined;

  constructor(content: Content, moved: Moved = () => undefined) {
    this.#content = content;
    this.#moved = moved;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of this.#content instanceof Uint8Array ? [this.#content] : this.#content) {
        this.bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      this.#first ??= { error: new ContentError(error) };
      throw error;
    }
  }

  /** The client, whose failures are noted, and which says of each part how it moves. A part that is refused ends the others, whose ends would else be told instead. */
  watch(client: S3Client): S3Client {
    const send = async (...call: Parameters<S3Client['send']>): Promise<unknown> => {
      sendInPieces(call[0], this.#moved);
      try {
        return await client.send(...call);
      } catch (error) {
        this.#first ??= { error };
        throw error;
      }
    };
    return Object.create(client, { send: { value: send } }) as S3Client;
  }

  /** The reason of an upload that ended with this error. */
  reasonOf(error: unknown): unknown {
    return this.#first ? this.#first.error : error;
  }
}

/** The source of the content failed, not S3. */
class ContentError extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('content failed');
    this.thrown = thrown;
  }
}

/** `NotImplemented`: some S3 services cannot list uploads. They remove old ones on their own. */
const ABSENT = new Set(['NotFound', 'NoSuchKey', 'NoSuchUpload', 'NotImplemented']);

function absent(error: unknown): undefined {
  if (error instanceof Error && ABSENT.has(error.name)) return undefined;
  throw error;
}

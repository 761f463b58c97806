import { type Bucket, etagOf, type Metadata, type Stored } from './bucket.ts';

export type Answer = { status: number; headers?: Record<string, string | number>; body?: string | Buffer };
export type Call = {
  bucket: Bucket;
  key: string;
  query: URLSearchParams;
  range: string | undefined;
  metadata: Metadata;
  body: Buffer;
};

/** Small, so that a test needs few objects to see a second page; AWS' own is 1000. */
const PAGE = 3;

/** The operations that the service uses, by method and marker: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html */
export const operations: Readonly<Record<string, (call: Call) => Answer>> = {
  'PUT object': ({ body, bucket, key, metadata }) => ({
    status: 200,
    headers: { etag: bucket.put(key, body, metadata).etag },
  }),

  'GET object': ({ bucket, key, range }) => {
    const found = bucket.objects.get(key);
    return found ? read(found, range) : refuse(404, 'NoSuchKey');
  },

  'HEAD object': ({ bucket, key }) => {
    const found = bucket.objects.get(key);
    return found ? { ...read(found, undefined) } : { status: 404 };
  },

  'DELETE object': ({ bucket, key }) => {
    bucket.objects.delete(key);
    return { status: 204 };
  },

  'GET bucket': ({ bucket, query }) => {
    const prefix = query.get('prefix') ?? '';
    const after = query.get('continuation-token') ?? '';
    const all = [...bucket.objects].filter(
      ([key]) =>
        key.startsWith(prefix) && key > after && !key.slice(prefix.length).includes(query.get('delimiter') || '\0'),
    );
    const page = all.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, PAGE);
    const rows = page.map(
      ([key, { body, etag, modifiedAt }]) =>
        `<Contents><Key>${key}</Key><LastModified>${modifiedAt.toISOString()}</LastModified><ETag>${etag}</ETag><Size>${body.length}</Size></Contents>`,
    );
    return xml('ListBucketResult', [...rows, ...more(all.length > PAGE, 'NextContinuationToken', page.at(-1)?.[0])]);
  },

  'POST object uploads': ({ bucket, key, metadata }) =>
    xml('InitiateMultipartUploadResult', [`<Key>${key}</Key><UploadId>${bucket.begin(key, metadata)}</UploadId>`]),

  'PUT object uploadId': ({ body, bucket, query }) =>
    bucket.addPart(query.get('uploadId')!, Number(query.get('partNumber')), body)
      ? { status: 200, headers: { etag: etagOf(body) } }
      : refuse(404, 'NoSuchUpload'),

  'POST object uploadId': ({ body, bucket, key, query }) => {
    const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) =>
      Number(number),
    );
    const stored = bucket.complete(query.get('uploadId')!, numbers);
    if (!stored) return refuse(404, 'NoSuchUpload');
    return xml('CompleteMultipartUploadResult', [`<Key>${key}</Key><ETag>${stored.etag}</ETag>`]);
  },

  'DELETE object uploadId': ({ bucket, query }) =>
    bucket.uploads.delete(query.get('uploadId')!) ? { status: 204 } : refuse(404, 'NoSuchUpload'),

  'GET bucket uploads': ({ bucket, query }) => {
    const after = query.get('upload-id-marker') ?? '';
    const all = [...bucket.uploads].filter(([id, { key }]) => key.startsWith(query.get('prefix') ?? '') && id > after);
    const page = all.sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, PAGE);
    const rows = page.map(
      ([id, { initiatedAt, key }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${initiatedAt.toISOString()}</Initiated></Upload>`,
    );
    const next = page.at(-1);
    return xml('ListMultipartUploadsResult', [
      ...rows,
      ...more(all.length > PAGE, 'NextUploadIdMarker', next?.[0]),
      ...(next ? [`<NextKeyMarker>${next[1].key}</NextKeyMarker>`] : []),
    ]);
  },
};

export function refuse(status: number, code: string, message = `${code} of the sandbox`, more = ''): Answer {
  return { ...xml('Error', [`<Code>${code}</Code><Message>${message}</Message>${more}`]), status };
}

function read({ body, etag, metadata, modifiedAt }: Stored, range: string | undefined): Answer {
  const headers = { ...metadata, etag, 'last-modified': modifiedAt.toUTCString(), 'accept-ranges': 'bytes' };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === undefined) return { status: 200, headers: { ...headers, 'content-length': body.length }, body };
  const part = body.subarray(Number(first), last ? Number(last) + 1 : undefined);
  if (part.length === 0) return refuse(416, 'InvalidRange');
  const where = `bytes ${first}-${Number(first) + part.length - 1}/${body.length}`;
  return { status: 206, headers: { ...headers, 'content-range': where, 'content-length': part.length }, body: part };
}

const more = (isTruncated: boolean, marker: string, value: string | undefined): string[] => [
  `<IsTruncated>${isTruncated}</IsTruncated>`,
  ...(isTruncated ? [`<${marker}>${value}</${marker}>`] : []),
];

function xml(root: string, children: readonly string[]): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><${root} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${children.join('')}</${root}>`;
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

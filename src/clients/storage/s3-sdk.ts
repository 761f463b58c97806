import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { seconds } from '../../lib/duration.ts';
import { loadPart } from '../../lib/load-part.ts';

export type S3Options = {
  readonly bucket: string;
  /** A folder inside the bucket, without slashes at its ends. Objects outside it are never touched. */
  readonly prefix: string;
  readonly region: string;
  /** Without it, AWS' own endpoint of the region is used. */
  readonly endpoint?: string | undefined;
  readonly forcePathStyle: boolean;
  /** Whether what is sent carries the newer checksums: buckets with object lock want them, and some services do not understand them. */
  readonly checksums: boolean;
  /** Without them, the SDK's usual sources are used, such as the machine's role. */
  /** The time without any bytes after which a call fails, in milliseconds; 15 s by default. */
  readonly silenceMs?: number;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
};

/** A call fails after this time without any bytes in either direction, however long it takes as a whole: a part may leave slowly. */
const SILENCE_MS = seconds(15);

export type Sdk = typeof import('@aws-sdk/client-s3') & typeof import('@aws-sdk/lib-storage') & { client: S3Client };

/** Loads the SDK with the first call. It costs 0.2 s and 35 MB, which a worker without a bucket does not spend. */
export async function loadSdk(options: S3Options): Promise<Sdk> {
  const [s3, upload] = await loadPart('The client of S3 (@aws-sdk)', () =>
    Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')]),
  );
  return { ...s3, ...upload, client: new s3.S3Client(clientConfig(options)) };
}

function clientConfig(options: S3Options): S3ClientConfig {
  return {
    region: options.region,
    forcePathStyle: options.forcePathStyle,
    ...(options.endpoint && { endpoint: options.endpoint }),
    ...(options.credentials && { credentials: options.credentials }),
    requestChecksumCalculation: options.checksums ? 'WHEN_SUPPORTED' : 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: { connectionTimeout: seconds(5), socketTimeout: options.silenceMs ?? SILENCE_MS },
  };
}

import { errorCode, errorMessage, TransientError } from '../../lib/errors.ts';

/** What an S3 error carries beside name and message, as the SDK keeps it. */
type S3Failure = Error & {
  $metadata?: { httpStatusCode?: number };
  $response?: { headers?: Readonly<Record<string, string | undefined>> };
  Region?: string;
};

/** A call (`put a.csv`), its bucket (`s3://exports/task-worker`), and the permission that it needs. */
export type S3Act = { what: string; place: string; permission: string };

/**
 * The error of a call to S3: the bucket, the status, what S3 said, and what to do. It is transient, because settings may be corrected while
 * a retry waits. `storage_refused`: the key may not do this, while other calls may work.
 */
export function storageError({ permission, place, what }: S3Act, error: unknown): TransientError {
  const failure: S3Failure = error instanceof Error ? error : new Error(String(error));
  const status = failure.$metadata?.httpStatusCode;
  const said = errorMessage(failure);
  const cure = cureOf(failure, status, permission);
  const message = `storage ${what} in ${place}: ${status ?? errorCode(error)} ${said}${cure && `; ${cure}`}`;
  return new TransientError(isRefusal(failure, status) ? 'storage_refused' : 'storage_failed', message, {
    cause: error,
  });
}

/**
 * Whether S3 may have stored what it was sent, although the call failed: no answer, a 5xx, or the end of an upload that is there no more,
 * as S3 says to the second ask where the answer to the first was lost.
 */
export function mayBeStored(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const status = (error as S3Failure).$metadata?.httpStatusCode;
  return error.name === 'NoSuchUpload' || status === undefined || status >= 500;
}

const LOCKED = /object lock/i;

const isRefusal = ({ name }: Error, status: number | undefined): boolean =>
  status === 403 && (name === 'AccessDenied' || !(name in CURES));

/** By the code of S3: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const CURES: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket at this endpoint: create it, or correct S3_BUCKET and S3_ENDPOINT',
  InvalidBucketName: 'correct S3_BUCKET',
  NoSuchUpload: 'its parts were removed meanwhile, as a lifecycle rule does: let that rule wait for a day or more',
  InvalidAccessKeyId: 'the key is not known there: correct S3_ACCESS_KEY_ID, or make a new key if it was removed',
  SignatureDoesNotMatch: 'S3_SECRET_ACCESS_KEY does not belong to S3_ACCESS_KEY_ID: correct it',
  ExpiredToken: 'the keys have expired: give new ones in S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
  ExpiredTokenException: 'the keys have expired: give new ones in S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
  TokenRefreshRequired: 'the keys have expired: give new ones in S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
  InvalidToken: 'the keys are not valid: give new ones in S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
  RequestTimeTooSkewed: 'the clocks of this machine and of S3 are more than 15 minutes apart: set this one by NTP',
  RequestExpired: 'the clocks of this machine and of S3 are more than 15 minutes apart: set this one by NTP',
  CredentialsProviderError: 'set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or give this machine a role',
  XAmzContentSHA256Mismatch: 'this S3 does not understand the newer checksums: set S3_CHECKSUMS=false',
  NotImplemented: 'this S3 cannot do that; if S3_CHECKSUMS is true, set it to false',
  SlowDown: 'S3 asks for fewer requests; it is tried again later',
  QuotaExceeded: 'the bucket is full: make room, or lower EXPORT_TTL_HOURS',
  ENOTFOUND: 'the name of the server is not known: correct S3_ENDPOINT and S3_REGION',
  ECONNREFUSED: 'no server answers there: correct S3_ENDPOINT, or start it',
  TimeoutError: 'no answer in time: is S3_ENDPOINT reached from here?',
};

const WRONG_REGION = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'IllegalLocationConstraintException',
]);

function cureOf(error: S3Failure, status: number | undefined, permission: string): string {
  const region = error.Region ?? error.$response?.headers?.['x-amz-bucket-region'];
  if (WRONG_REGION.has(error.name) || status === 301) {
    return region === undefined
      ? 'the bucket is in another region: correct S3_REGION'
      : `the bucket is in ${region}: set S3_REGION=${region}`;
  }
  if (LOCKED.test(error.message)) return 'the bucket has object lock and wants checksums: set S3_CHECKSUMS=true';
  const known = CURES[error.name] ?? CURES[errorCode(error)];
  if (known !== undefined) return known;
  if (status === 403) return `the key may not do this: grant it ${permission}, or correct S3_BUCKET and the key`;
  if (status === 404) return 'correct S3_BUCKET and S3_ENDPOINT';
  return '';
}

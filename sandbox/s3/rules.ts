import type { IncomingMessage } from 'node:http';
import { crc32 } from 'node:zlib';
import { type Answer, refuse } from './operations.ts';
import { isSigned, type Keys, signedFor } from './signature.ts';

/** How strict the bucket is. Each rule is one of AWS: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export type Rules = {
  /** The only region whose signature is taken; any where it is absent, as at MinIO. */
  region?: string;
  /** Operations that the key may not do: `PUT object uploadId`. */
  denied: Set<string>;
  /** The clock against which requests are held. */
  clock: () => Date;
  /** Whether the keys have expired. */
  isExpired: boolean;
  /** Whether objects are locked: what is put then needs a checksum. */
  hasObjectLock: boolean;
  /** How fast it takes the bytes of one request, as a narrow line does. */
  bytesPerSecond: number;
};

type Asked = { request: IncomingMessage; body: Buffer; operation: string; keys: Keys; rules: Rules };

/** AWS' own allowance. */
const SKEW_MS = 15 * 60_000;

/** The answer to a request that the bucket does not take; undefined where it takes it. */
export function refusalOf({ body, keys, operation, request, rules }: Asked): Answer | undefined {
  const { headers } = request;
  const { day, id, region } = signedFor(request);
  if (id !== undefined && id !== keys.accessKeyId) return refuse(403, 'InvalidAccessKeyId');
  if (rules.isExpired) return refuse(400, 'ExpiredToken', 'The provided token has expired.');
  if (rules.region !== undefined && region !== undefined && region !== rules.region) {
    const message = `The authorization header is malformed; the region '${region}' is wrong; expecting '${rules.region}'`;
    const answer = refuse(400, 'AuthorizationHeaderMalformed', message, `<Region>${rules.region}</Region>`);
    return { ...answer, headers: { ...answer.headers, 'x-amz-bucket-region': rules.region } };
  }
  if (day !== undefined && Math.abs(rules.clock().getTime() - timeOf(headers['x-amz-date'])) > SKEW_MS) {
    const message = 'The difference between the request time and the current time is too large.';
    return refuse(403, 'RequestTimeTooSkewed', message);
  }
  if (!isSigned(request, body, keys)) return refuse(403, 'SignatureDoesNotMatch');
  if (rules.denied.has(operation)) return refuse(403, 'AccessDenied', 'Access Denied');
  return operation === 'PUT object' || operation === 'PUT object uploadId'
    ? checksumRefusal(request, body, rules)
    : undefined;
}

function checksumRefusal({ headers }: IncomingMessage, body: Buffer, { hasObjectLock }: Rules): Answer | undefined {
  const sum = headers['x-amz-checksum-crc32'];
  if (sum === undefined && headers['content-md5'] === undefined && hasObjectLock) {
    const message =
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters';
    return refuse(400, 'InvalidRequest', message);
  }
  const real = Buffer.alloc(4);
  real.writeUInt32BE(crc32(body));
  return sum !== undefined && sum !== real.toString('base64') ? refuse(400, 'BadDigest') : undefined;
}

/** `20261129T195030Z`. */
function timeOf(date: string | string[] | undefined): number {
  return Date.parse(String(date).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

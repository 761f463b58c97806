import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export type Keys = { readonly accessKeyId: string; readonly secretAccessKey: string };

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([\w-]+)\/s3\/aws4_request, SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/;

const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();

/** Whom the request says that it comes from, and for which day and region. */
export function signedFor({ headers }: IncomingMessage): { id?: string; day?: string; region?: string } {
  const [, id, day, region] = AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  return id && day && region ? { id, day, region } : {};
}

/**
 * Whether the request is signed with these keys and carries the body that was signed:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function isSigned(request: IncomingMessage, body: Buffer, keys: Keys): boolean {
  const [, id, day, region, names, signature] = AUTHORIZATION.exec(request.headers.authorization ?? '') ?? [];
  if (id !== keys.accessKeyId || !day || !region || !names) return false;
  const payload = String(request.headers['x-amz-content-sha256']);
  if (payload !== 'UNSIGNED-PAYLOAD' && payload !== sha256(body)) return false;
  const canonical = canonicalRequest(request, names.split(';'), payload);
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = ['s3', 'aws4_request'].reduce(hmac, hmac(hmac(`AWS4${keys.secretAccessKey}`, day), region));
  return hmac(key, text).toString('hex') === signature;
}

function canonicalRequest(request: IncomingMessage, names: readonly string[], payload: string): string {
  const url = new URL(request.url ?? '/', 'http://sandbox');
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join('&');
  const headers = names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`).join('');
  return [request.method, url.pathname, query, headers, names.join(';'), payload].join('\n');
}

/** RFC 3986 leaves fewer characters as they are than `encodeURIComponent`. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

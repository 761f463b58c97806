import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

export type Encoding = 'br' | 'gzip';

/** Below this many bytes the headers cost more than it saves. */
const SMALLEST_BYTES = 500;
/** Pages are made for one reader, so speed counts; files are compressed once. */
const QUALITY = { page: 5, file: 11 } as const;

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);

/** The encoding for a body of this size that the client takes: brotli, gzip, none. A refusal with `q=0` counts. */
export function encodingFor(accepted: string | string[] | undefined, bytes: number): Encoding | undefined {
  if (bytes < SMALLEST_BYTES) return undefined;
  const names = String(accepted ?? '')
    .split(',')
    .filter((one) => !/;\s*q=0(\.0*)?\s*$/.test(one))
    .map((one) => one.split(';')[0]!.trim().toLowerCase());
  return (['br', 'gzip'] as const).find((encoding) => names.includes(encoding));
}

/** The body in this encoding. */
export async function compressed(
  body: Buffer,
  encoding: Encoding | undefined,
  use: keyof typeof QUALITY,
): Promise<Buffer> {
  if (encoding === undefined) return body;
  const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY[use], [constants.BROTLI_PARAM_SIZE_HINT]: body.length };
  return encoding === 'br' ? await brotli(body, { params }) : await deflate(body);
}

/** A part of a file, both ends included. */
export type RequestedRange = { from: number; to: number };

/**
 * The part that a `Range` header asks for (RFC 9110, section 14.2). Undefined for the whole file, which is also the answer to several
 * ranges at once and to another unit; `none` where the file has no such part.
 */
export function rangeIn(header: string | undefined, bytes: number): RequestedRange | 'none' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (!match || (first === '' && last === '')) return undefined;
  const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  return from > to || from >= bytes ? 'none' : { from, to };
}

/** What the first bytes of a picture say of it. */
export type PictureFacts = { type: 'image/jpeg' | 'image/png' | 'image/webp'; width: number; height: number };

/** Reads kind and size in pixels from the content. Undefined for what is no JPEG, PNG or WebP, and for one that is cut off before its size. */
export function pictureFacts(bytes: Uint8Array): PictureFacts | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.subarray(0, 8).equals(PNG) && view.toString('latin1', 12, 16) === 'IHDR' && view.length >= 24)
    return sized('image/png', view.readUInt32BE(16), view.readUInt32BE(20));
  if (view.length >= 4 && view.readUInt16BE(0) === 0xffd8) return ofJpeg(view);
  if (view.toString('latin1', 0, 4) === 'RIFF' && view.toString('latin1', 8, 12) === 'WEBP' && view.length >= 30)
    return ofWebp(view);
  return undefined;
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Frames that begin with the size: all from C0 to CF but those of tables (ITU-T T.81, table B.1). */
const isFrame = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function ofJpeg(view: Buffer): PictureFacts | undefined {
  let at = 2;
  while (at + 9 < view.length) {
    if (view[at] !== 0xff) return undefined;
    const marker = view[at + 1]!;
    if (marker === 0xff) at += 1;
    else if (isFrame(marker)) return sized('image/jpeg', view.readUInt16BE(at + 7), view.readUInt16BE(at + 5));
    else at += 2 + Math.max(2, view.readUInt16BE(at + 2));
  }
  return undefined;
}

/** https://developers.google.com/speed/webp/docs/riff_container: lossy, lossless and extended. */
function ofWebp(view: Buffer): PictureFacts | undefined {
  const kind = view.toString('latin1', 12, 16);
  if (kind === 'VP8 ') return sized('image/webp', view.readUInt16LE(26) & 0x3fff, view.readUInt16LE(28) & 0x3fff);
  if (kind === 'VP8L') {
    const bits = view.readUInt32LE(21);
    return sized('image/webp', (bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1);
  }
  if (kind === 'VP8X') return sized('image/webp', view.readUIntLE(24, 3) + 1, view.readUIntLE(27, 3) + 1);
  return undefined;
}

const sized = (type: PictureFacts['type'], width: number, height: number): PictureFacts | undefined =>
  width > 0 && height > 0 ? { type, width, height } : undefined;

import { Readable } from 'node:stream';
import type { Moved } from './storage.ts';

/** The SDK hands a part of 8 MiB to the connection at once, and hears of it when it has an answer. Pieces of this size show that it moves. */
const PIECE_BYTES = 65_536;

type Request = { body?: unknown };
type Step = (args: { request: unknown }) => Promise<unknown>;
type Command = {
  middlewareStack: { add(step: (next: Step) => Step, options: { step: 'deserialize'; name: string }): void };
};

/**
 * Has a command of the SDK send the bytes that it carries piece by piece, and says of each that it leaves. Nothing else changes: the step is
 * behind the signature, the checksum and the retries, which all see the bytes as they are.
 */
export function sendInPieces(command: unknown, moved: Moved): void {
  (command as Command).middlewareStack.add(
    (next) => (args) => {
      const { body } = args.request as Request;
      if (!(body instanceof Uint8Array) || body.length <= PIECE_BYTES) return next(args);
      const inPieces = Object.assign(Object.create(Object.getPrototypeOf(args.request)), args.request, {
        body: Readable.from(piecesOf(body, moved), { objectMode: false, highWaterMark: PIECE_BYTES }),
      });
      return next({ ...args, request: inPieces });
    },
    { step: 'deserialize', name: 'sendInPieces' },
  );
}

/** The next piece is asked for once the connection has taken those before it. */
function* piecesOf(bytes: Uint8Array, moved: Moved): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    moved();
    yield bytes.subarray(at, at + PIECE_BYTES);
  }
}

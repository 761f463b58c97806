import { createHash } from 'node:crypto';

/** Ids of the rows of one broadcast lie between these, both included, and no other row's do. */
export type BroadcastRange = { readonly first: string; readonly last: string };

/**
 * A row's id says of which broadcast it is and for whom: the first half is a fingerprint of the broadcast, the second the chat. So a
 * re-run finds its rows already there, and everything that concerns a broadcast is one range of the primary key, though the
 * table has no column for it. The form is UUID version 8 (RFC 9562), whose 122 free bits are ours to fill.
 */
export function broadcastRowId(broadcastId: string, telegramId: number): string {
  return `${fingerprint(broadcastId)}-${tail(BigInt.asUintN(62, BigInt(telegramId)))}`;
}

export function broadcastRange(broadcastId: string): BroadcastRange {
  const half = fingerprint(broadcastId);
  return { first: `${half}-${tail(0n)}`, last: `${half}-${tail((1n << 62n) - 1n)}` };
}

/** What the ids of all rows of one broadcast begin with, and those of no other's. */
export const rowsPrefix = (broadcastId: string): string => fingerprint(broadcastId);

/** The same, of the id of a row. */
export const prefixOfRow = (rowId: string): string => rowId.slice(0, PREFIX_CHARACTERS);

const PREFIX_CHARACTERS = 18;

/** 60 bits: two of a million broadcasts share them with a chance of one in a million. */
function fingerprint(broadcastId: string): string {
  const hex = createHash('sha256').update(broadcastId).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}`;
}

/** 62 bits after the two that tell the variant. */
function tail(bits: bigint): string {
  const hex = ((0b10n << 62n) | bits).toString(16);
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/** One entry of the stream as it was delivered to us. */
export type StreamEntry = {
  /** `<ms>-<n>`, given by Redis. */
  readonly id: string;
  /** How often the group has delivered it, this time included. */
  readonly deliveries: number;
  /** Names and values in turn, byte for byte. */
  readonly fields: readonly Buffer[];
};

/** An item in the replies of XREADGROUP, XCLAIM and XRANGE: `[id, [name, value, …]]`; null where the entry was deleted meanwhile. */
export type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null] | null;

/** Entries that still exist; `deliveriesOf` is asked for each. */
export function entriesOf(raw: readonly RawEntry[], deliveriesOf: (id: string) => number): StreamEntry[] {
  return raw.flatMap((one) => {
    if (!one?.[1]) return [];
    const id = one[0].toString();
    return [{ id, deliveries: deliveriesOf(id), fields: one[1] }];
  });
}

/** The value of the field with that name. */
export function fieldOf(fields: readonly Buffer[], name: string): Buffer | undefined {
  const wanted = Buffer.from(name);
  const index = fields.findIndex((field, i) => i % 2 === 0 && field.equals(wanted));
  return index === -1 ? undefined : fields[index + 1];
}

/** The items in groups of `size`, the last one smaller. Holds one group at a time, however long the source is. */
export async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/**
 * Runs `act` on every item, at most `limit` at once, in order of arrival. The first rejection ends it: no further item is begun, what
 * runs is waited for, and the error is thrown. An `act` that must not end the others catches its own.
 */
export async function forEachAtMost<T>(
  items: Iterable<T>,
  limit: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const source = items[Symbol.iterator]();
  const errors: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let next = source.next(); !next.done && errors.length === 0; next = source.next()) {
      await act(next.value).catch((error: unknown) => void errors.push(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (errors.length > 0) throw errors[0];
}

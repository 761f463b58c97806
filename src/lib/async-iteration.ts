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
 * Runs `act` on every item, at most `limit` at once, in order of arrival. After the first rejection it starts no further item, waits for
 * the running ones and throws the error. An `act` that must not end the others catches its own errors.
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

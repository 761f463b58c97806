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
  items: AsyncIterable<T> | Iterable<T>,
  limit: number,
  act: (item: T) => Promise<void>,
): Promise<void> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const errors: unknown[] = [];
  const work = async (): Promise<void> => {
    try {
      for (let next = await source.next(); !next.done && errors.length === 0; next = await source.next())
        await act(next.value);
    } catch (error) {
      errors.push(error);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  if (errors.length > 0) await source.return?.();
  if (errors.length > 0) throw errors[0];
}

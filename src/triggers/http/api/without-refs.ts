type Json = Record<string, unknown>;

/** The document with each reference replaced by what it stands for. No schema of the API contains itself. */
export function withoutRefs(document: Json): Json {
  const at = (pointer: string): unknown =>
    pointer
      .split('/')
      .slice(1)
      .reduce<unknown>((value, step) => (value as Json)[step], document);
  const read = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(read);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref } = value as Json;
    if (typeof $ref === 'string') return read(at($ref));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, read(inner)]));
  };
  return read(document) as Json;
}

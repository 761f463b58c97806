/** Adds each number of `more` to the total of the same name. */
export function addCounts<Name extends string>(
  totals: Record<Name, number>,
  more: Readonly<Partial<Record<NoInfer<Name>, number>>> | undefined,
): void {
  for (const [name, count] of Object.entries(more ?? {}) as [Name, number | undefined][])
    totals[name] = (totals[name] ?? 0) + (count ?? 0);
}

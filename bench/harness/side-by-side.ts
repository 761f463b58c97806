/** Samples of each contestant, one per round. */
export type Samples<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/**
 * Measures the contestants in turns, in reverse order every other round, so that other work on the machine affects all of them alike. One
 * warm-up round is thrown away.
 */
export async function sideBySide<Name extends string>(
  contestants: Readonly<Record<Name, () => Promise<number>>>,
  rounds: number,
): Promise<Samples<Name>> {
  const names = Object.keys(contestants) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const sample = await contestants[name]();
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}

/** The ratios round by round, so that only samples of the same time are compared. */
export function ratios(samples: readonly number[], others: readonly number[]): number[] {
  return samples.map((sample, round) => sample / others[round]!);
}

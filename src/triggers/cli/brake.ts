import { type Command, UsageError, wordAt } from './command.ts';

/** The effects that are held and wait for an admin's decision. */
export type BrakeContext = {
  brakes: {
    list(): Promise<
      readonly { name: string; held: { en: string }; since: Date | undefined; decisions: readonly string[] }[]
    >;
    /** Returns a sentence that says what was done. Throws `UsageError` for an unknown brake or decision. */
    confirm(name: string, decision: string): Promise<string>;
  };
};

export const brakeCommands: readonly Command<BrakeContext>[] = [
  {
    name: 'brake',
    usage: '[confirm NAME DECISION]',
    maxWords: 3,
    summary: 'List what is held until an admin decides, or decide',
    async run(args, { brakes }, { print }) {
      const [verb] = args.words;
      if (verb === undefined) {
        const held = (await brakes.list()).map((one) => ({ ...one, held: one.held.en }));
        const lines = held.flatMap(({ decisions, held: what, name: brake, since }) => [
          `${brake}: ${what}${since ? `, held since ${since.toISOString()}` : ''}`,
          ...decisions.map((decision) => `  task-worker brake confirm ${brake} ${decision}`),
        ]);
        print(held, held.length === 0 ? ['Nothing is held.'] : lines);
        return 0;
      }
      if (verb !== 'confirm') throw new UsageError(`brake can list and confirm, not '${verb}'`);
      const done = await brakes.confirm(wordAt(args, 1, 'The name of the brake'), wordAt(args, 2, 'The decision'));
      print({ done }, [done]);
      return 0;
    },
  },
];

import { type Command, UsageError, wordAt } from './command.ts';

/** Explains one panel user from the worker's records, one sentence per decision. */
export type ExplainContext = {
  explainUser(who: string): Promise<readonly { panelUser: string; username: string; sentences: readonly string[] }[]>;
};

export const explainCommands: readonly Command<ExplainContext>[] = [
  {
    name: 'explain',
    usage: 'user <telegram id | username>',
    maxWords: 2,
    summary: 'Say why a customer did or did not get which notice, was or was not disabled',
    async run(args, { explainUser }, { print }) {
      if (wordAt(args, 0, 'What to explain: user') !== 'user') {
        throw new UsageError(`explain can explain a user, not '${args.words[0]}'`);
      }
      const who = wordAt(args, 1, 'The Telegram id or the username');
      const found = await explainUser(who);
      const lines = found.flatMap(({ sentences: [first, ...others] }) => [
        first!,
        ...others.map((sentence) => `  ${sentence}`),
      ]);
      print(found, found.length === 0 ? [`The panel has no user with Telegram id or name '${who}'.`] : lines);
      return found.length === 0 ? 1 : 0;
    },
  },
];

import type { DeskContext } from '../payment-desk.ts';
import { type Command, UsageError, wordAt } from './command.ts';
import { paymentIdAt } from './payments.ts';

/** Explains one panel user, or one payment, from the worker's records, one sentence per decision. */
export type ExplainContext = {
  desk: Pick<DeskContext, 'show'>;
  explainUser(who: string): Promise<readonly { panelUser: string; username: string; sentences: readonly string[] }[]>;
};

export const explainCommands: readonly Command<ExplainContext>[] = [
  {
    name: 'explain',
    usage: 'user <telegram id | username> | payment <id>',
    maxWords: 2,
    summary: 'Say why a customer did or did not get which notice, was or was not disabled; what became of a payment',
    async run(args, { desk, explainUser }, { print }) {
      const what = wordAt(args, 0, 'What to explain: user or payment');
      if (what === 'payment') {
        const id = paymentIdAt(args, 1);
        const payment = await desk.show(id, 'en');
        const { sentences } = payment ?? { sentences: [`There is no payment ${id}.`] };
        print({ id, sentences }, sentences);
        return payment ? 0 : 1;
      }
      if (what !== 'user') throw new UsageError(`explain can explain a user or a payment, not '${what}'`);
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

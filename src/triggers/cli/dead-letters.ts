import type { DeadJobs } from '../../runtime/dead-jobs.ts';
import { type Command, type PersonContext, table, UsageError, wordAt } from './command.ts';

/** Messages of Python producers that could not be understood. */
export type DeadMessages = {
  list(
    limit: number,
  ): Promise<readonly { id: string; kind: 'message'; task: string; failedAt: Date; reason: string }[]>;
  /** False where there is no such message. */
  replay(id: string): Promise<boolean>;
};

export type DeadLetterContext = PersonContext & { deadJobs: DeadJobs; deadMessages: DeadMessages };

/** The most that are listed of each kind. */
const LISTED = 200;
/** More than are kept of either kind. */
const ALL = 100_000;
/** The most that are replayed at the same time. */
const AT_ONCE = 50;

export const deadLetterCommands: readonly Command<DeadLetterContext>[] = [
  {
    name: 'dead-letters',
    usage: '[replay ID | replay --all]',
    maxWords: 2,
    summary: 'List what failed for good, or run it again',
    options: { all: { type: 'boolean' } },
    async run(args, context, { print }) {
      const [verb] = args.words;
      if (verb === undefined) {
        const letters = await lettersOf(context, LISTED);
        const lines = letters.map((letter) => [
          letter.id,
          letter.kind,
          letter.task,
          letter.failedAt.toISOString(),
          letter.reason.slice(0, 100),
        ]);
        const rows = table([['ID', 'KIND', 'TASK', 'FAILED AT', 'REASON'], ...lines]);
        if (lines.length >= LISTED) rows.push(`These are the newest, up to ${LISTED} of each kind.`);
        print(letters, lines.length === 0 ? ['No dead letters.'] : rows);
        return 0;
      }
      if (verb !== 'replay') throw new UsageError(`dead-letters can list and replay, not '${verb}'`);
      const ids = args.options.all
        ? (await lettersOf(context, ALL)).map((letter) => letter.id)
        : [wordAt(args, 1, 'The id of the dead letter')];
      const results: { id: string; replayed: boolean }[] = [];
      for (let i = 0; i < ids.length; i += AT_ONCE) {
        const some = ids.slice(i, i + AT_ONCE);
        results.push(...(await Promise.all(some.map(async (id) => ({ id, replayed: await replay(id, context) })))));
      }
      print(
        results,
        results.length === 0
          ? ['No dead letters.']
          : results.map(({ id, replayed }) => `${id}: ${replayed ? 'runs again' : 'there is no such dead letter'}`),
      );
      return results.every(({ replayed }) => replayed) ? 0 : 1;
    },
  },
];

const lettersOf = async ({ deadJobs, deadMessages }: DeadLetterContext, limit: number) => [
  ...(await deadJobs.list(limit)),
  ...(await deadMessages.list(limit)),
];

async function replay(id: string, { deadJobs, deadMessages, record }: DeadLetterContext): Promise<boolean> {
  const isReplayed = (await deadJobs.replay(id)) || (await deadMessages.replay(id));
  if (isReplayed) await record({ action: 'dead_letter.replayed', entityType: 'dead_letter', entityId: id });
  return isReplayed;
}

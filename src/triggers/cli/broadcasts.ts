import { z } from 'zod';
import { BROADCAST_ACTS, type BroadcastsContext } from '../broadcasts.ts';
import type { HistoryContext } from '../history.ts';
import { type Command, type CommandArgs, type PersonContext, table, UsageError, wordAt } from './command.ts';

/** Planned broadcasts at the command line. */
export type BroadcastContext = PersonContext & {
  history: Pick<HistoryContext, 'missing'>;
  broadcasts: Pick<BroadcastsContext, 'deleteSent' | 'deletions' | 'look' | 'planned' | 'say'>;
};

const LISTED = 50;
const USAGE = '[show ID | pause ID | resume ID | cancel ID | delete ID]';

export const broadcastCommands: readonly Command<BroadcastContext>[] = [
  {
    name: 'broadcast',
    usage: USAGE,
    maxWords: 2,
    summary: 'List planned broadcasts, look at one, pause, resume or cancel it, or delete what it sent',
    options: {},
    async run(args, context, { print }) {
      const missing = await context.history.missing();
      if (missing) throw new Error(missing.en);
      const { broadcasts, caller, record } = context;
      const [verb] = args.words;
      if (verb === undefined) {
        const found = await broadcasts.planned.list(LISTED);
        const lines = found.map(({ createdBy, id, name, sendAt, sentBy, state }) => [
          ...[id, state, sendAt?.toISOString() ?? '–', sentBy ?? createdBy, name],
        ]);
        const heads = ['ID', 'STATE', 'AT', 'BY', 'NAME'];
        print(found, found.length === 0 ? ['No broadcast was planned yet.'] : table([heads, ...lines]));
        return 0;
      }
      const id = idIn(args);
      const broadcast = await broadcasts.planned.find(id);
      if (!broadcast) throw new UsageError(`There is no broadcast ${id}; \`task-worker broadcast\` lists them`);
      if (verb === 'show') {
        const [chats, messages, deletion] = await Promise.all([
          broadcasts.planned.countParts(id),
          broadcasts.look(id),
          broadcasts.deletions(id),
        ]);
        const counts = { ...messages, unreachable: chats.unreachable, held_out: chats.held_out };
        const isDeleted = broadcast.deletionAskedAt !== undefined;
        print({ ...broadcast, chats, messages, deletion: isDeleted ? deletion : null }, [
          `${broadcast.name}: ${broadcast.state}${broadcast.heldBecause ? ` (held: ${broadcast.heldBecause})` : ''}`,
          ...table(Object.entries(counts).map(([what, count]) => [what, String(count)])),
          ...(isDeleted ? ['deletion:', ...table(Object.entries(deletion).map(([what, n]) => [what, String(n)]))] : []),
        ]);
        return 0;
      }
      if (verb === 'delete') {
        if (!(await broadcasts.deleteSent(id, caller)))
          throw new UsageError(`It is ${broadcast.state}; what was sent can be deleted once it is over`);
        await record({ action: 'broadcast.deleted', entityType: 'broadcast', entityId: id });
        print({ id, deleting: true }, [`what ${broadcast.name} sent in the last 48 hours is being deleted`]);
        return 0;
      }
      const act = BROADCAST_ACTS.find((one) => one === verb);
      if (!act)
        throw new UsageError(`broadcast can list, show, ${BROADCAST_ACTS.join(', ')} and delete, not '${verb}'`);
      const state = await broadcasts.say(id, act, caller);
      await record({ action: `broadcast.${act}`, entityType: 'broadcast', entityId: id, details: { state } });
      print({ id, state: state ?? null }, [`${broadcast.name} is ${state ?? 'gone'} now`]);
      return 0;
    },
  },
];

function idIn(args: CommandArgs): string {
  const id = z.guid().safeParse(wordAt(args, 1, 'The id of the broadcast'));
  if (!id.success) throw new UsageError('The id of a broadcast is a UUID; `task-worker broadcast` lists them');
  return id.data;
}

import { z } from 'zod';
import type { Act } from '../act.ts';
import type { HistoryContext } from '../history.ts';
import { type Command, type CommandArgs, type PersonContext, table, UsageError, wordAt } from './command.ts';

/** Maintenance windows of nodes. */
export type MaintenanceContext = PersonContext & {
  history: Pick<HistoryContext, 'maintenance' | 'missing'>;
  nodes(): Promise<readonly { nodeUuid: string; name: string }[]>;
};

const LISTED = 500;
const Reason = z.string().trim().min(1).max(300);

export const maintenanceCommands: readonly Command<MaintenanceContext>[] = [
  {
    name: 'maintenance',
    usage: '[plan NODE --to TIME --reason TEXT [--from TIME] | end ID]',
    maxWords: 2,
    summary: 'List maintenance windows of nodes, alert nobody about a node for a time, or end that time',
    options: { from: { type: 'string' }, to: { type: 'string' }, reason: { type: 'string' } },
    async run(args, context, { print }) {
      const missing = await context.history.missing();
      if (missing) throw new Error(missing.en);
      const { maintenance } = context.history;
      const [verb] = args.words;
      if (verb === undefined) {
        const windows = await maintenance.list({ after: context.clock(), limit: LISTED });
        const lines = windows.map(({ beginsAt, endsAt, id, madeBy, name, reason }) => [
          ...[id, name, beginsAt.toISOString(), endsAt.toISOString(), madeBy, reason],
        ]);
        const heads = ['ID', 'NODE', 'FROM', 'TO', 'BY', 'REASON'];
        print(windows, windows.length === 0 ? ['No maintenance is on or planned.'] : table([heads, ...lines]));
        return 0;
      }
      if (verb === 'plan') {
        const { isNew, window } = await maintenance.plan(await plannedBy(args, context));
        const { endsAt, id, name, node, reason } = window;
        if (isNew) await context.record(actOf('planned', node, { name, to: endsAt.toISOString(), reason }));
        const until = endsAt.toISOString();
        print({ id: isNew ? id : null, node, until, planned: isNew }, [
          isNew
            ? `nobody is alerted about ${name} until ${until} (${id})`
            : `another window of ${name} covers that already`,
        ]);
        return 0;
      }
      if (verb !== 'end') throw new UsageError(`maintenance can list, plan and end, not '${verb}'`);
      const id = z.guid().safeParse(wordAt(args, 1, 'The id of the window'));
      if (!id.success) throw new UsageError('The id of a window is a UUID; `task-worker maintenance` lists them');
      const ended = await maintenance.end(id.data, context.caller);
      if (!ended)
        throw new UsageError(`There is no maintenance window ${id.data}; \`task-worker maintenance\` lists them`);
      const { isEnded, window } = ended;
      if (isEnded) await context.record(actOf('ended', window.node, { name: window.name, window: window.id }));
      print({ id: window.id, ended: isEnded }, [
        `maintenance of ${window.name} ${isEnded ? 'is over' : 'was over before'}`,
      ]);
      return 0;
    },
  },
];

const actOf = (what: 'planned' | 'ended', entityId: string, details: Act['details'] & object): Act => ({
  action: `node.maintenance_${what}`,
  entityType: 'node',
  entityId,
  details,
});

async function plannedBy(args: CommandArgs, { caller, nodes }: MaintenanceContext) {
  const asked = wordAt(args, 1, 'The name or uuid of the node');
  const named = (await nodes()).filter(({ name, nodeUuid }) => nodeUuid === asked || name === asked);
  const [node, another] = named;
  if (!node) throw new UsageError(`The worker knows no node '${asked}'`);
  if (another) throw new UsageError(`Several nodes are called '${asked}'; give the uuid of one`);
  const reason = Reason.safeParse(args.options.reason);
  if (!reason.success) throw new UsageError('--reason says why, in up to 300 characters');
  const to = timeOf(args, 'to');
  if (!to) throw new UsageError('--to says until when, as 2026-03-01T14:00:00Z');
  return { node: node.nodeUuid, name: node.name, from: timeOf(args, 'from'), to, reason: reason.data, by: caller };
}

function timeOf({ options }: CommandArgs, name: 'from' | 'to'): Date | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const read = z.iso.datetime({ offset: true }).safeParse(text);
  if (!read.success) throw new UsageError(`--${name} must be a time as 2026-03-01T14:00:00Z, not '${String(text)}'`);
  return new Date(read.data);
}

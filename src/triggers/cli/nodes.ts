import { windowAt } from '../../repositories/history/maintenance-rows.ts';
import type { NodeRecord } from '../../repositories/redis/monitoring/node-health-store.ts';
import type { HistoryContext } from '../history.ts';
import { nodeBody, worstFirst } from '../nodes.ts';
import { type Command, table, UsageError } from './command.ts';

export type NodesContext = {
  nodes(): Promise<readonly NodeRecord[]>;
  clock(): Date;
  history: Pick<HistoryContext, 'maintenance' | 'missing'>;
};

/** More windows than are on at one time. */
const WINDOWS = 500;

export const nodeCommands: readonly Command<NodesContext>[] = [
  {
    name: 'nodes',
    usage: '[NODE]',
    maxWords: 1,
    summary: 'List the nodes as they were last seen, the worst first, or show one by its name or uuid',
    async run(args, context, { print }) {
      const [asked] = args.words;
      const all = worstFirst(await context.nodes());
      const found =
        asked === undefined ? all : all.filter(({ name, nodeUuid }) => nodeUuid === asked || name === asked);
      if (asked !== undefined && found.length === 0)
        throw new UsageError(`The worker knows no node '${asked}'; \`task-worker nodes\` lists them`);
      const now = context.clock();
      const windows = (await context.history.missing())
        ? []
        : await context.history.maintenance.list({ after: now, limit: WINDOWS });
      const bodies = found.map((node) => {
        const own = windows.filter(({ node: uuid }) => uuid === node.nodeUuid);
        const until = windowAt(own, now)?.endsAt.toISOString();
        return { ...nodeBody(node), ...(until !== undefined && { maintenance_until: until }) };
      });
      const rows = bodies.map((one) => [
        ...[one.name, one.country, one.status, one.since, one.checked_at, one.maintenance_until ?? '', one.uuid],
        one.reason ?? '',
      ]);
      const heads = ['NAME', 'COUNTRY', 'STATUS', 'SINCE', 'LAST SEEN', 'MAINTENANCE UNTIL', 'UUID', 'REASON'];
      print(bodies, rows.length === 0 ? ['No node is known yet: is a worker running?'] : table([heads, ...rows]));
      return 0;
    },
  },
];

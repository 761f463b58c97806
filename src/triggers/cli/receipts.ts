import { z } from 'zod';
import type { HistoryContext } from '../history.ts';
import { lineBody, openActs, type ReceiptsContext, receiptBody } from '../receipts.ts';
import { type Command, type PersonContext, table, UsageError, wordAt } from './command.ts';

export type ReceiptCommandContext = PersonContext & {
  history: Pick<HistoryContext, 'missing'>;
  receipts: ReceiptsContext;
};

const LISTED = 50;
const LINES = 100;

/** What mass acts did, and undoing it. */
export const receiptCommands: readonly Command<ReceiptCommandContext>[] = [
  {
    name: 'receipts',
    usage: '[list | show ID [--after ACT] | undo ID [--dry-run]] [--task TASK]',
    maxWords: 2,
    summary: 'List what mass acts did, show the acts of one, or undo what still stands',
    options: { task: { type: 'string' }, after: { type: 'string' }, 'dry-run': { type: 'boolean' } },
    async run(args, { caller, history, receipts, record }, { print }) {
      const missing = await history.missing();
      if (missing) throw new Error(missing.en);
      const verb = args.words[0] ?? 'list';
      if (verb === 'list') {
        const { task } = args.options;
        const found = await receipts.list({ task: typeof task === 'string' ? task : undefined }, LISTED);
        const lines = found.map(({ beganAt, id, initiatedBy, jobId, task: name }) => [
          ...[id, beganAt.toISOString(), name, initiatedBy, jobId],
        ]);
        const heads = ['ID', 'BEGAN AT', 'TASK', 'BY', 'JOB'];
        print(found.map(receiptBody), found.length === 0 ? ['No receipts.'] : table([heads, ...lines]));
        return 0;
      }
      if (verb !== 'show' && verb !== 'undo') throw new UsageError(`receipts can list, show and undo, not '${verb}'`);
      const id = z.guid().safeParse(wordAt(args, 1, 'The id of the receipt')).data;
      const receipt = id === undefined ? undefined : await receipts.find(id);
      if (!id || !receipt) throw new UsageError('There is no such receipt; `task-worker receipts` lists them');
      const counts = await receipts.counts(id);
      if (verb === 'undo') {
        if (openActs(counts, receipts.undoable) === 0)
          throw new UsageError('Nothing on this receipt can be undone, or all of it is undone');
        const dryRun = args.options['dry-run'] === true;
        const { already, jobId } = await receipts.undo({ id, dryRun, caller });
        const details = { job_id: jobId, task: receipt.task, ...(dryRun && { dry_run: true }) };
        await record({ action: 'receipt.undo', entityType: 'receipt', entityId: id, details });
        print({ job_id: jobId, already, dry_run: dryRun }, [
          `${already ? 'it waits or runs already' : 'it is in its queue'}, as job ${jobId}`,
        ]);
        return 0;
      }
      const after = z.guid().optional().safeParse(args.options.after);
      if (!after.success) throw new UsageError('--after is the ACT of the last line before');
      const lines = await receipts.lines(id, LINES, after.data);
      const body = { receipt: receiptBody(receipt), counts, lines: lines.map(lineBody) };
      print(body, [
        ...table([
          ['EFFECT', 'ACTS', 'UNSURE', 'UNDONE', 'LEFT'],
          ...counts.map(({ acts, effect, left, undone, unsure }) => [
            effect,
            ...[acts, unsure, undone, left].map(String),
          ]),
        ]),
        '',
        ...table([
          ['AT', 'EFFECT', 'SUBJECT', 'WAS', 'UNDO', 'ACT'],
          ...body.lines.map(({ act, at, effect, subject, undo, was }) => [
            ...[at, effect, subject, `${was.status ?? ''} ${was.expire_at ?? ''}`.trim()],
            ...[undo ? `${undo.state}${undo.reason ? ` (${undo.reason})` : ''}` : '', act],
          ]),
        ]),
      ]);
      return 0;
    },
  },
];

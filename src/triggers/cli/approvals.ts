import { z } from 'zod';
import { approvalRefusal } from '../../lib/approval-text.ts';
import type { Approval } from '../../repositories/history/approval-rows.ts';
import type { ApprovalAnswer, ApprovalsContext } from '../approvals.ts';
import type { HistoryContext } from '../history.ts';
import { type Command, type CommandArgs, table, UsageError, wordAt } from './command.ts';

/** Acts that wait for a second person. */
export type ApprovalContext = {
  approvals: ApprovalsContext;
  history: Pick<HistoryContext, 'missing'>;
  /** The person at the terminal. */
  caller: string;
  /** The person of the token in this file, who may say yes. Throws `UsageError` for a token of nobody, or of too small a role. */
  approverOf(tokenFile: string): Promise<string>;
  /** Writes what was decided into `audit_logs`. */
  recordApproval(what: 'approved' | 'refused', approval: Approval, by: string): Promise<void>;
};

const LISTED = 100;

export const approvalCommands: readonly Command<ApprovalContext>[] = [
  {
    name: 'approvals',
    usage: '[approve ID DIGEST --token-file FILE | refuse ID]',
    maxWords: 3,
    summary:
      'List what waits for the yes of a second person, say yes as the person whose token of API_TOKENS is in the file, or say no',
    options: { 'token-file': { type: 'string' } },
    async run(args, context, { print }) {
      const missing = await context.history.missing();
      if (missing) throw new Error(missing.en);
      const { approvals, caller } = context;
      const [verb] = args.words;
      if (verb === undefined) {
        const open = await approvals.open(LISTED);
        const lines = open.map(({ askedBy, digest, expiresAt, id, subject, touches }) => [
          ...[id, subject, touches === undefined ? 'all' : String(touches), askedBy, expiresAt.toISOString(), digest],
        ]);
        const heads = ['ID', 'WHAT', 'TOUCHES', 'ASKED BY', 'VOID AFTER', 'DIGEST'];
        print(open, open.length === 0 ? ['Nothing waits for a second person.'] : table([heads, ...lines]));
        return 0;
      }
      if (verb !== 'approve' && verb !== 'refuse')
        throw new UsageError(`approvals can list, approve and refuse, not '${verb}'`);
      const id = idOf(args);
      const by = verb === 'approve' ? await context.approverOf(tokenFileOf(args)) : caller;
      const answer =
        verb === 'approve'
          ? await approvals.approve(id, by, wordAt(args, 2, 'The digest of what you say yes to'))
          : await approvals.refuse(id, by);
      const { approval, isFirst, outcome } = decided(answer, id);
      if (isFirst) await context.recordApproval(outcome, approval, by);
      print({ id, state: outcome, changed: isFirst }, [
        outcome === 'approved' ? `${approval.subject} is on its way` : `${approval.subject} will not be done`,
      ]);
      return 0;
    },
  },
];

function idOf(args: CommandArgs): string {
  const id = z.guid().safeParse(wordAt(args, 1, 'The id of the approval'));
  if (id.success) return id.data;
  throw new UsageError('The id of an approval is a UUID; `task-worker approvals` lists them');
}

/** A token in the arguments would be seen by everybody on the machine. */
function tokenFileOf({ options }: CommandArgs): string {
  const file = options['token-file'];
  if (typeof file === 'string') return file;
  throw new UsageError('--token-file names a file with your token of API_TOKENS, which proves who says yes');
}

function decided(answer: ApprovalAnswer, id: string) {
  switch (answer.outcome) {
    case 'unknown':
      throw new UsageError(`There is no approval ${id}; \`task-worker approvals\` lists them`);
    case 'refused_self':
      throw new UsageError('A second person must say yes: who asked for it cannot, by no other way either');
    case 'unknown_person':
      throw new UsageError(approvalRefusal('unknown_person', 'en'));
    case 'changed':
      throw new UsageError('The digest is that of another act; `task-worker approvals` lists what waits');
    case 'over':
      throw new UsageError(`It is ${answer.approval.state}, and stays so`);
    default:
      return answer;
  }
}

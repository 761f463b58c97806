import { readFile } from 'node:fs/promises';
import type { Config } from '../../config.ts';
import { reaches } from '../../lib/api-role.ts';
import { tokenInitiator } from '../../lib/initiator.ts';
import type { Approval } from '../../repositories/history/approval-rows.ts';
import { parsePayload } from '../../runtime/payload.ts';
import { APPROVER_ROLE } from '../../triggers/approvals.ts';
import type { ApprovalContext } from '../../triggers/cli/approvals.ts';
import { UsageError } from '../../triggers/cli/command.ts';
import type { TaskContext } from '../../triggers/cli/tasks.ts';
import type { HistoryContext } from '../../triggers/history.ts';
import { TokenBook } from '../../triggers/http/auth/tokens.ts';
import type { App } from '../build-app.ts';
import { approvalsOf } from './approvals-of.ts';
import { broadcastsOf } from './broadcasts-of.ts';

/** Acts that wait for a second person, at a terminal. Saying yes needs a token there too: an account of the machine proves nobody. */
export function cliApprovals(
  app: App,
  settings: Pick<Config, 'API_TOKENS'>,
  caller: string,
  history: Pick<HistoryContext, 'missing'>,
): Pick<ApprovalContext, 'approvals' | 'approverOf' | 'recordApproval'> & Pick<TaskContext, 'heldForSecond'> {
  const { dispatcher, registry, services } = app;
  const approvals = approvalsOf(app, broadcastsOf(app, 'cli'), 'cli');
  const record = async (
    what: 'approved' | 'asked' | 'refused',
    { askedBy, digest, id, subject, touches }: Approval,
    by: string,
  ): Promise<void> => {
    const newValue = { by, subject, touches: touches ?? 'all', act_sha256: digest, asked_by: askedBy };
    await services.auditLogs.write([{ action: `approval.${what}`, entityType: 'approval', entityId: id, newValue }]);
  };
  return {
    approvals,
    recordApproval: record,
    async approverOf(file) {
      const token = (await readFile(file, 'utf8')).trim();
      const name = new TokenBook(settings.API_TOKENS).nameOf(token);
      const role = settings.API_TOKENS.find((known) => known.name === name)?.role;
      if (name === undefined || role === undefined) throw new UsageError(`${file} holds no token of API_TOKENS`);
      if (!reaches(role, APPROVER_ROLE))
        throw new UsageError(`${name} has the role ${role}; ${APPROVER_ROLE} is needed`);
      return tokenInitiator(name);
    },
    async heldForSecond(name, given) {
      const { payload, task } = dispatcher.accept(registry.get(name), given, 'cli');
      const touches = task.guarded?.(parsePayload(task, payload));
      if (touches === undefined || !approvals.isNeeded(touches, caller)) return undefined;
      const missing = await history.missing();
      if (missing) throw new UsageError(missing.en);
      const act = { kind: 'task', subject: task.name, payload: { task: task.name, payload }, touches } as const;
      const { approval, isNew } = await approvals.ask(act, caller);
      if (isNew) await record('asked', approval, caller);
      return approval;
    },
  };
}

import { z } from 'zod';
import { APPROVAL_ALERT, approvalSubject } from '../../domain/alerts/approval-alert.ts';
import { Approvals } from '../../domain/brakes/approvals.ts';
import { PermanentError } from '../../lib/errors.ts';
import { tokenNameOf } from '../../lib/initiator.ts';
import { approvalWaits } from '../../messages/approval.ts';
import { ApprovalRows } from '../../repositories/history/approval-rows.ts';
import type { ApprovalsContext } from '../../triggers/approvals.ts';
import type { BroadcastsContext } from '../../triggers/broadcasts.ts';
import type { App } from '../build-app.ts';

const TaskAct = z.object({ task: z.string(), payload: z.record(z.string(), z.unknown()) });
const BroadcastAct = z.object({ broadcast_id: z.guid(), at: z.iso.datetime().optional(), content: z.string() });

/** Acts that wait for a second person, and how each kind of them is done once that person has said yes. */
export function approvalsOf(
  { approving, database, dispatcher, parts, registry, services }: App,
  broadcasts: Pick<BroadcastsContext, 'send'>,
  source: 'cli' | 'http',
): ApprovalsContext {
  const clock = (): Date => parts.foundation.clock.now();
  return new Approvals({
    rows: new ApprovalRows(database),
    ...approving,
    clock,
    async tell(approval) {
      const only = approving.approvers.accountsBeside(approval.askedBy);
      if (only.length === 0) return;
      const { PUBLIC_URL } = services.settings;
      const page = PUBLIC_URL && `${PUBLIC_URL}/approvals`;
      await services.alerts.raise({
        ...{ kind: APPROVAL_ALERT, severity: 'warning', at: approval.askedAt, only },
        subject: approvalSubject(approval),
        message: (locale) =>
          approvalWaits({ ...approval, askedBy: tokenNameOf(approval.askedBy) ?? approval.askedBy }, page, locale),
      });
    },
    acts: {
      async task({ askedBy, id, payload }) {
        const { payload: given, task } = TaskAct.parse(payload);
        await dispatcher.dispatch(registry.get(task).task, given, { source, initiatedBy: askedBy, jobId: id });
      },
      async broadcast({ askedBy, payload }) {
        const { at, broadcast_id: id, content } = BroadcastAct.parse(payload);
        const state = await broadcasts.send(id, at ? new Date(at) : clock(), askedBy, content);
        if (state === undefined || state === 'draft' || state === 'cancelled')
          throw new PermanentError(
            'approval_changed',
            'The broadcast was changed or cancelled since it was asked for. Send it again.',
          );
      },
    },
  });
}

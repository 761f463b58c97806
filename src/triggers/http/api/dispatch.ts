import { createHash, randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { tokenNameOf } from '../../../lib/initiator.ts';
import { stableJson } from '../../../lib/stable-json.ts';
import type { AnyTask } from '../../../runtime/define-task.ts';
import { parsePayload } from '../../../runtime/payload.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { askSecond } from './approvals.ts';
import type { Call } from './route.ts';

export type DispatchRequest = {
  name: string;
  payload: unknown;
  caller: string;
  audit: Call['audit'];
  idempotencyKey?: string | undefined;
  /** The header of that name. */
  traceparent?: unknown;
};

type Dispatched = {
  job_id: string;
  task: string;
  queue: string;
  already: boolean;
  /** It waits for a second person. */
  approval?: { id: string; expires_at: string };
};

/**
 * Puts one task into its queue in the caller's name, or has it wait where it needs a second person. Two requests with the same `Idempotency-Key` are one job. The key is claimed with the
 * job's id before the job is added, so that after a crash in between a repeat under the key adds the very same job.
 */
export async function dispatchFor(context: HttpContext, request: DispatchRequest): Promise<Dispatched> {
  const { dispatcher, idempotency, registry } = context;
  const { audit, caller, idempotencyKey: key, traceparent } = request;
  const named = registry.get(request.name);
  const { payload, task } = dispatcher.accept(named, request.payload, 'http');
  // A payload may be as long as 8 MB: others have their turn between looking at it and writing it down.
  await nextTurn();
  if (key === undefined) return await add(context, task, payload, { audit, caller, jobId: randomUUID(), traceparent });

  const fingerprint = createHash('sha256')
    .update(stableJson({ name: task.name, payload }))
    .digest('base64url');
  const jobId = randomUUID();
  const owner = tokenNameOf(caller) ?? caller;
  const claimed = await idempotency.claim(owner, key, { fingerprint, jobId });
  if (!claimed)
    throw new Problem(
      'key-reused',
      'This Idempotency-Key was used within the last day for a request whose record cannot be read. Send another key.',
    );
  if (claimed.fingerprint !== fingerprint)
    throw new Problem('key-reused', 'This Idempotency-Key was used within the last day for another task or payload.');
  if (claimed.done) return { job_id: claimed.jobId, task: task.name, queue: task.queue, already: true };
  const added = await add(context, task, payload, { audit, caller, jobId: claimed.jobId, traceparent });
  await idempotency.settle(owner, key, { fingerprint, jobId: added.job_id });
  return { ...added, already: added.already || claimed.jobId !== jobId };
}

/** A scheduled task is unique: a request while a job with the same payload waits or runs returns the existing one. */
async function add(
  context: HttpContext,
  task: AnyTask,
  payload: Readonly<Record<string, unknown>>,
  { audit, caller, jobId, traceparent }: Pick<DispatchRequest, 'audit' | 'caller' | 'traceparent'> & { jobId: string },
): Promise<Dispatched> {
  const touches = task.guarded?.(parsePayload(task, payload));
  if (touches !== undefined && context.approvals.isNeeded(touches, caller)) {
    const act = {
      id: jobId,
      kind: 'task',
      subject: task.name,
      payload: { task: task.name, payload },
      touches,
    } as const;
    const { approval, isNew } = await askSecond(context, act, { audit, caller });
    const { expiresAt, id } = approval;
    const waits = { id, expires_at: expiresAt.toISOString() };
    return { job_id: id, task: task.name, queue: task.queue, already: !isNew, approval: waits };
  }
  const { already, jobId: added } = await context.dispatcher.dispatch(task, payload, {
    source: 'http',
    initiatedBy: caller,
    jobId,
    ...(typeof traceparent === 'string' && { traceparent }),
    unique: isScheduled(task, context),
  });
  await audit({
    action: 'task.dispatched',
    entityType: 'task',
    entityId: task.name,
    details: { job_id: added, ...(already && { already }) },
  });
  return { job_id: added, task: task.name, queue: task.queue, already };
}

const isScheduled = (task: AnyTask, { schedules }: HttpContext): boolean => schedules.has(task.name);

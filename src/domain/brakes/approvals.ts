import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { days } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { stableJson } from '../../lib/stable-json.ts';
import type { Approval, ApprovalRows } from '../../repositories/history/approval-rows.ts';
import type { ApprovalAnswer, ApprovalsContext, GuardedAct } from '../../triggers/approvals.ts';
import type { Approvers } from './approvers.ts';

/** Does an approved act. Its job has the approval's id, so that doing it again adds no second one. */
export type ApprovedAct = (approval: Approval) => Promise<void>;

export type ApprovalsOptions = {
  rows: ApprovalRows;
  acts: Readonly<Record<GuardedAct['kind'], ApprovedAct>>;
  approvers: Pick<Approvers, 'areOne' | 'hasOther'>;
  /** APPROVAL_ABOVE; undefined: nothing needs a second person. */
  above: number | undefined;
  /** Tells those who may say yes. Never throws. */
  tell(approval: Approval): Promise<void>;
  clock(): Date;
};

/** A request that nobody has decided is void after this. */
const WAITS_MS = days(1);

/**
 * Acts that need the yes of a second person, as `Approvers` knows people. PostgreSQL keeps each with its payload, which nothing changes.
 */
export class Approvals implements ApprovalsContext {
  readonly #options: ApprovalsOptions;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  isNeeded(touches: GuardedAct['touches'], by: string): boolean {
    const { above, approvers } = this.#options;
    if (above === undefined || (touches !== 'all' && touches <= above)) return false;
    return approvers.hasOther(by);
  }

  async ask({ id = randomUUID(), kind, payload, subject, touches }: GuardedAct, by: string) {
    const { clock, rows, tell } = this.#options;
    const now = clock();
    await rows.forget(now);
    const expiresAt = new Date(now.getTime() + WAITS_MS);
    const asked = { askedBy: by, askedAt: now, expiresAt, touches: touches === 'all' ? undefined : touches };
    const digest = digestOf(kind, payload);
    const approval = await rows.add({ id, kind, payload, subject, digest, ...asked }, now);
    const isNew = approval.id === id && approval.askedAt.getTime() === now.getTime();
    if (isNew) await tell(approval);
    return { approval, isNew };
  }

  find(id: string): Promise<Approval | undefined> {
    return this.#options.rows.find(id, this.#options.clock());
  }

  open(limit: number): Promise<Approval[]> {
    return this.#options.rows.open(this.#options.clock(), limit);
  }

  list(limit: number): Promise<Approval[]> {
    return this.#options.rows.list(this.#options.clock(), limit);
  }

  isOf({ askedBy }: Approval, by: string): boolean {
    return this.#options.approvers.areOne(askedBy, by) === true;
  }

  async approve(id: string, by: string, digest: string): Promise<ApprovalAnswer> {
    const { approvers, clock, rows } = this.#options;
    const asked = await this.find(id);
    if (!asked) return { outcome: 'unknown' };
    const isOne = approvers.areOne(asked.askedBy, by);
    if (isOne !== false) return { outcome: isOne === true ? 'refused_self' : 'unknown_person', approval: asked };
    const isSame = isSameDigest(asked.digest, digest) && isSameDigest(digestOf(asked.kind, asked.payload), digest);
    if (!isSame) return { outcome: 'changed', approval: asked };
    const isFirst = await rows.decide(id, { by, digest, state: 'approved' }, clock());
    const decided = isFirst ? { ...asked, state: 'approved' as const, decidedBy: by } : await this.find(id);
    if (decided?.state !== 'approved') return { outcome: 'over', approval: decided ?? asked };
    // Of two at once the second finds it undone, and does what adds no second job.
    if (decided.begunAt === undefined) {
      if (decided.expiresAt <= clock()) return { outcome: 'over', approval: decided };
      await this.#begin(decided);
    }
    return { outcome: 'approved', approval: decided, isFirst };
  }

  async refuse(id: string, by: string): Promise<ApprovalAnswer> {
    const asked = await this.find(id);
    if (!asked) return { outcome: 'unknown' };
    const isFirst = await this.#options.rows.decide(id, { by, state: 'refused' }, this.#options.clock());
    const approval = (await this.find(id)) ?? asked;
    return approval.state === 'refused' ? { outcome: 'refused', approval, isFirst } : { outcome: 'over', approval };
  }

  /** An outage leaves it approved and undone, so that a later yes begins it. */
  async #begin(approval: Approval): Promise<void> {
    const { acts, clock, rows } = this.#options;
    const act = isKnown(approval.kind, acts) ? acts[approval.kind] : undefined;
    try {
      if (!act) throw new PermanentError('approval_kind', `This version cannot do acts of the kind ${approval.kind}.`);
      await act(approval);
    } catch (error) {
      if (error instanceof PermanentError) await rows.markFailed(approval.id, error.message);
      throw error;
    }
    await rows.markBegun(approval.id, clock());
  }
}

const isKnown = (kind: string, acts: ApprovalsOptions['acts']): kind is GuardedAct['kind'] => Object.hasOwn(acts, kind);

function isSameDigest(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const digestOf = (kind: string, payload: Readonly<Record<string, unknown>>): string =>
  createHash('sha256').update(stableJson({ kind, payload })).digest('hex');

import type { Approval } from '../repositories/history/approval-rows.ts';

/** The role that may give the second yes. */
export const APPROVER_ROLE = 'admin';

/** An act that may need a second person. */
export type GuardedAct = {
  /** Given where the act is known by an id that a repeated request has too. */
  id?: string | undefined;
  /** One of those that `approvals-of.ts` can do. */
  kind: 'broadcast' | 'task';
  /** For people: the task, or the name of the broadcast. */
  subject: string;
  /** JSON. What the act is done with, and nothing else. */
  payload: Readonly<Record<string, unknown>>;
  /** How many users or chats it touches. `all` always needs a second person. */
  touches: number | 'all';
};

/**
 * `refused_self`: the first person cannot say yes. `unknown_person`: it is not known whether this is the first person. `changed`: it is not the
 * act that was seen. `over`: it was decided before, or too late.
 */
export type ApprovalAnswer =
  | { outcome: 'approved' | 'refused'; approval: Approval; isFirst: boolean }
  | { outcome: 'changed' | 'over' | 'refused_self' | 'unknown_person'; approval: Approval }
  | { outcome: 'unknown' };

/** Acts that wait for a second person. They need our own schema: `HistoryContext.missing` is asked before. */
export type ApprovalsContext = {
  /** Whether this act needs the yes of a person other than this one. Never where nobody else may give it. */
  isNeeded(touches: GuardedAct['touches'], by: string): boolean;
  /** Has it wait. Where the same act of the same person waits already that one is answered, and `isNew` is false. */
  ask(act: GuardedAct, by: string): Promise<{ approval: Approval; isNew: boolean }>;
  /** Whether this initiator is known to be the person who asked for it. */
  isOf(approval: Approval, by: string): boolean;
  find(id: string): Promise<Approval | undefined>;
  /** What waits for a person, the oldest first. */
  open(limit: number): Promise<Approval[]>;
  /** All, the newest first. */
  list(limit: number): Promise<Approval[]>;
  /**
   * Says yes and has it done. `digest` is that of what the person saw. Safe to do twice and by two at once. Throws `PermanentError` where it
   * cannot be done any more.
   */
  approve(id: string, by: string, digest: string): Promise<ApprovalAnswer>;
  /** Says no. The first person may too, and so takes it back. */
  refuse(id: string, by: string): Promise<ApprovalAnswer>;
};

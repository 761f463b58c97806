import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { forEachAtMost } from '../../lib/async-iteration.ts';
import { PermanentError } from '../../lib/errors.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { noHistory } from '../../messages/history.ts';
import type { Log } from '../../observability/log.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { OwnSchemaState } from '../../repositories/history/own-schema.ts';
import type { KeptLine, KeptReceipts, LeftReason } from '../../repositories/history/receipts.ts';
import type { UndoRows } from '../../repositories/history/undo-rows.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import { isEveryones } from './is-everyones.ts';
import { judged, UNDOABLE, type UndoStep } from './undo-rules.ts';

export type UndoOptions = {
  panel: Pick<Panel, 'again' | 'canHave' | 'disable' | 'enable' | 'user'>;
  auditLogs: Pick<AuditLogs, 'write'>;
  backendKeys: Pick<BackendKeys, 'forgetSubscription'>;
  picture: Pick<CustomerPicture, 'of'>;
  /** The state of our schema, which holds receipts. */
  look(): Promise<OwnSchemaState>;
  receipts: Pick<KeptReceipts, 'find' | 'open'>;
  rows: UndoRows;
  /** Users looked at and acted on at once; the panel's gate limits the calls of all workers. */
  concurrency: number;
};

export type UndoJob = {
  receiptId: string;
  jobId: string;
  initiatedBy: string;
  now: Date;
  signal: AbortSignal;
  log: Log;
  alive(): void;
  confirmHeld(): Promise<void>;
};

/** Acts judged together; all that is held in memory. */
const GROUP = 50;

/**
 * Undoes the acts of a receipt as far as they still stand as they were left, each once: the receipt's own rows say which are undone, in whose
 * hands they are, and why the others were left.
 */
export class UndoActs {
  readonly #options: UndoOptions;

  constructor(options: UndoOptions) {
    this.#options = options;
  }

  /** Throws `PermanentError` where our schema is not installed, and where no receipt has this id. */
  async #mustBeThere(receiptId: string): Promise<void> {
    const { kind } = await this.#options.look();
    if (kind !== 'current' && kind !== 'newer') throw new PermanentError('no_receipts', noHistory(kind, 'en'));
    if (!(await this.#options.receipts.find(receiptId)))
      throw new PermanentError('receipt_unknown', `no receipt has the id ${receiptId}`);
  }

  /** The acts that this job is still to judge, judged by what stands now. Changes nothing. */
  async *plan(job: UndoJob): AsyncGenerator<{ steps: readonly UndoStep[] }> {
    const { jobId, receiptId } = job;
    await this.#mustBeThere(receiptId);
    for (let after: string | undefined; ; ) {
      const page = { job: jobId, effects: UNDOABLE, limit: GROUP, after };
      const lines = await this.#options.receipts.open(receiptId, page);
      if (lines.length === 0) return;
      yield { steps: await this.#judge(lines, job) };
      after = lines.at(-1)!.act;
    }
  }

  /** Undoes these, and notes of the others why they are left. What fails for one user is tried again by a later attempt. */
  async act(
    steps: readonly UndoStep[],
    job: UndoJob,
    receipt: Receipt,
  ): Promise<{ undone: number; left: number; failed: unknown[] }> {
    const { concurrency, rows } = this.#options;
    const { jobId, receiptId, signal } = job;
    const wanted = steps.filter(({ does }) => does !== 'leave');
    const mine = await rows.take(
      receiptId,
      wanted.map(({ line }) => line.act),
      jobId,
    );
    const reasons = new Map<string, LeftReason>();
    for (const { line, why } of steps) if (why) reasons.set(line.act, why);
    const done: UndoStep[] = [];
    const failed: unknown[] = [];
    try {
      await forEachAtMost(
        wanted.filter(({ line }) => mine.has(line.act)),
        concurrency,
        async (step) => {
          signal.throwIfAborted();
          try {
            const why = await this.#undo(step, signal);
            if (why) reasons.set(step.line.act, why);
            else done.push(step);
          } catch (error) {
            if (signal.aborted || isEveryones(error)) throw error;
            job.log.warn({ err: error, panel_user: step.line.subject }, 'not undone, will be tried again');
            failed.push(error);
          }
          job.alive();
        },
      );
    } finally {
      if (done.length > 0) await this.#settle(done, job, receipt);
    }
    await rows.left(receiptId, reasons, jobId);
    return { undone: done.length, left: reasons.size, failed };
  }

  /** Whether another job is undoing some of it now. */
  isInOtherHands({ jobId, receiptId }: UndoJob): Promise<boolean> {
    return this.#options.rows.isInOtherHands(receiptId, jobId);
  }

  async #judge(lines: readonly KeptLine[], { jobId, now, receiptId, signal }: UndoJob): Promise<readonly UndoStep[]> {
    const { concurrency, picture, rows } = this.#options;
    const users = new Map<string, PanelUser>();
    await forEachAtMost(lines, concurrency, async (line) => {
      const user = await this.#userOf(line, signal);
      if (user) users.set(line.act, user);
    });
    const found = lines.flatMap((line) => users.get(line.act) ?? []);
    const money = new Map((await picture.of(found, now, signal)).map(({ state }, i) => [found[i]!.id, state]));
    const done = lines.map(({ doneAt, subject }) => ({ subject, doneAt: doneAt! }));
    const actedOn = await rows.actedOnSince(receiptId, done, UNDOABLE);
    const touched = await rows.touchedByStaff(
      lines.flatMap((line) => {
        const user = users.get(line.act);
        return user ? [{ id: user.id, since: line.doneAt! }] : [];
      }),
    );
    return lines.map((line) => {
      const user = users.get(line.act);
      const since = {
        isActedOn: actedOn.has(line.subject),
        isTouched: user !== undefined && touched.has(user.id),
        money: (user && money.get(user.id)) ?? 'none',
      } as const;
      return judged(line, user, jobId, since);
    });
  }

  /** By name, which an upgrade of the panel keeps; by id where no name was seen. */
  async #userOf({ id, subject: username }: KeptLine, signal: AbortSignal): Promise<PanelUser | undefined> {
    const { panel } = this.#options;
    if (id !== username) return await panel.again({ id: id ?? username, username }, signal);
    return (await panel.canHave(id, signal)) ? await panel.user(id, signal) : undefined;
  }

  /** Why it was left after all; undefined where it is undone. */
  async #undo({ does, isDone, line, user }: UndoStep, signal: AbortSignal): Promise<LeftReason | undefined> {
    if (isDone || !user) return undefined;
    const { panel } = this.#options;
    const result = await (does === 'enable' ? panel.enable(user.id, signal) : panel.disable(user.id, signal));
    if (result === 'not_found') return 'gone';
    // An earlier call of ours whose answer was lost, or somebody between our look and our call.
    return result === 'already' && line.undo?.state !== 'begun' ? 'status_changed' : undefined;
  }

  /** The audit trail and the undo's own receipt come first: a run that follows a killed one writes what is missing. */
  async #settle(done: readonly UndoStep[], job: UndoJob, receipt: Receipt): Promise<void> {
    const { auditLogs, backendKeys, rows } = this.#options;
    const { initiatedBy, jobId, now, receiptId } = job;
    const acts = done.map(({ does, line, user }) => ({
      ...{ does, line, user: user! },
      act: uuidFrom(`undo:${receiptId}:${line.act}`),
      was: does === 'enable' ? 'DISABLED' : statusBefore(user!),
    }));
    await job.confirmHeld();
    await auditLogs.write(
      acts.map(({ act, does, user, was }) => ({
        ...{ id: act, at: now, action: `undo.${does}`, entityType: 'subscription', entityId: user.id },
        oldValue: { status: was },
        newValue: { username: user.username, receipt: receiptId, job_id: jobId, by: initiatedBy },
      })),
    );
    await receipt.done(
      acts.map(({ act, does, user, was }) => ({
        ...{ act, effect: does, subject: user.username, id: user.id },
        was: { status: was, expire_at: user.expireAt.toISOString() },
      })),
    );
    await rows.undone(
      receiptId,
      done.map(({ line }) => line.act),
      jobId,
    );
    await Promise.all(acts.map(({ user }) => backendKeys.forgetSubscription(user.id)));
  }
}

const statusBefore = ({ status }: PanelUser): string => (status === 'DISABLED' ? 'ACTIVE' : status);

import { isAnswerLost } from '../../clients/remnawave/errors.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { forEachAtMost } from '../../lib/async-iteration.ts';
import { chunks } from '../../lib/chunks.ts';
import { seconds } from '../../lib/duration.ts';
import { errorCode, errorMessage, PermanentError, SnoozeError, TransientError } from '../../lib/errors.ts';
import type { HeldJob } from '../../lib/held-job.ts';
import { ageMsOf, laterMs } from '../../lib/later.ts';
import type { Receipt } from '../../lib/receipt.ts';
import { isServerAway } from '../../lib/server-away.ts';
import { type BulkEnd, bulkOperationEnded } from '../../messages/bulk.ts';
import type { Log } from '../../observability/log.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { BulkUserState, BulkUserStates, BulkUserWas } from '../../repositories/redis/bulk/bulk-user-states.ts';
import { BULK_ACTIONS, type BulkOperation, type BulkPanel } from './actions.ts';
import { isEveryones } from './is-everyones.ts';
import type { BulkNotices } from './notices.ts';
import { BulkProgress, type BulkProgressOptions } from './progress.ts';
import { askedAt, bulkActId, bulkLine, seenBefore, wasOf } from './receipt-lines.ts';
import { BulkTally } from './tally.ts';

export type BulkUsersOptions = {
  panel: BulkPanel;
  auditLogs: Pick<AuditLogs, 'write'>;
  backendKeys: Pick<BackendKeys, 'forgetSubscription'>;
  states: BulkUserStates;
  notices: BulkNotices;
  progress: BulkProgressOptions;
  /** Users asked for at once in one batch; the panel's gate limits the calls of all workers. */
  concurrency: number;
  clock(): Date;
};

export type BulkJob = HeldJob & {
  /** The progress is kept under this id. */
  progressId: string;
  operation: BulkOperation;
  /** Ids in the panel's own form, each once. */
  users: readonly string[];
  batchSize: number;
  /** The name of the token, `cli`, or `taskiq` for a producer of the stream. */
  initiatedBy: string;
  /** A name that the request gives. Anybody can write any name there. */
  namedAs: string | undefined;
  enqueuedAt: Date;
  replays: number;
  now: Date;
  log: Log;
};

/** What the panel shows of a user: the operation would change it, find it done, or fail. */
export type Foreseen = { outcome: BulkOperation | 'already' | 'fail'; username?: string; reason?: string };

/** The counts of one run, its progress record and its receipt. */
type Book = { tally: BulkTally; progress: BulkProgress; receipt: Receipt };

/** What a batch began: when, and what stood before, as far as it was seen. */
type Begun = { at: number; was?: BulkUserWas | undefined };

/** The others fill the places that the last users of one leave empty while it is written down, so the panel is never idle. */
const BATCHES_AT_ONCE = 2;
/** A user whose call failed in a way that may pass is tried again after these delays. */
const TRY_AGAIN_AFTER_MS = [seconds(10), seconds(60)] as const;
const NOT_FOUND = 'not found at the panel';
/** The database did not take what was done. */
const AUDIT_UNWRITTEN = 'audit_unwritten';
/** While the panel is away the job waits outside the workers, for at most a day. Outages of PostgreSQL and Redis are the engine's. */
const PATIENCE = { atLeastMs: seconds(15), atMostMs: seconds(15) };

/**
 * Does one operation on many users, one call for each user, because the panel's bulk calls say nothing about the single user. The outcome
 * for each user is recorded. A run that follows a killed one, or replays a dead letter, continues with the remaining users. It first looks
 * at users whose call was in progress, so that nobody is handled twice.
 */
export class BulkUsers {
  readonly #options: BulkUsersOptions;

  constructor(options: BulkUsersOptions) {
    this.#options = options;
  }

  /** The users whom the job has not handled yet, batch by batch. */
  async *plan(job: BulkJob): AsyncGenerator<{ steps: readonly string[] }> {
    const { open } = new BulkTally(job.users, await this.#options.states.of(job.jobId));
    for (const steps of chunks(open, job.batchSize)) yield { steps };
  }

  /** What the job would find at the panel for this user. */
  async foresee(id: string, operation: BulkOperation, signal: AbortSignal): Promise<Foreseen> {
    try {
      const user = await this.#options.panel.user(id, signal);
      if (!user) return { outcome: 'fail', reason: NOT_FOUND };
      const { username } = user;
      return { outcome: BULK_ACTIONS[operation].isAlready(user) ? 'already' : operation, username };
    } catch (error) {
      if (signal.aborted || isEveryones(error)) throw error;
      return { outcome: 'fail', reason: errorMessage(error) };
    }
  }

  /** Throws `SnoozeError` while some users have to be tried again later. Any other error ends the job, and `abandoned` reports it. */
  async run(
    job: BulkJob,
    { groups, receipt }: { groups(): AsyncIterable<{ steps: readonly string[] }>; receipt: Receipt },
    signal: AbortSignal,
  ): Promise<BulkTally> {
    const tally = new BulkTally(job.users, await this.#options.states.of(job.jobId));
    using progress = this.#progressOf(job);
    try {
      await this.#handleAll(groups(), job, { tally, progress, receipt }, signal);
    } catch (error) {
      if (errorCode(signal.reason) === 'cancelled') {
        await this.#end(job, tally, progress, 'cancelled');
        throw signal.reason;
      }
      throw signal.aborted ? error : this.#later(job, error);
    }
    const waiting = tally.triesOfWaiting();
    if (waiting !== undefined) {
      const delayMs = TRY_AGAIN_AFTER_MS[waiting - 1] ?? TRY_AGAIN_AFTER_MS.at(-1)!;
      throw new SnoozeError(`bulk ${job.operation}: ${tally.open.length} users are tried again`, { delayMs });
    }
    await this.#end(job, tally, progress, 'completed');
    return tally;
  }

  /** Tells the admins how far a job got that has failed as a whole. */
  async abandoned(job: BulkJob, error: Error): Promise<void> {
    const tally = new BulkTally(job.users, await this.#options.states.of(job.jobId));
    job.log.error({ err: error, ...tally.counts }, 'bulk operation ended early');
    using progress = this.#progressOf(job);
    await this.#end(job, tally, progress, 'failed');
  }

  async #handleAll(
    batches: AsyncIterable<{ steps: readonly string[] }>,
    job: BulkJob,
    book: Book,
    signal: AbortSignal,
  ): Promise<void> {
    await forEachAtMost(batches, BATCHES_AT_ONCE, async ({ steps }) => {
      signal.throwIfAborted();
      await this.#handleBatch(steps, job, book, signal);
    });
  }

  async #handleBatch(batch: readonly string[], job: BulkJob, book: Book, signal: AbortSignal): Promise<void> {
    const { concurrency, states } = this.#options;
    const now = this.#options.clock().getTime();
    const before = new Map(batch.map((id) => [id, book.tally.stateOf(id)] as const));
    const seen = await seenBefore({ ...this.#options, operation: job.operation }, before, signal);
    const begun = new Map(
      batch.map((id) => {
        const state = before.get(id);
        const was = seen.get(id);
        return [id, { state: 'begun', at: askedAt(state) ?? now, tries: triesOf(state), ...(was && { was }) } as const];
      }),
    );
    await states.set(job.jobId, begun);
    const after = new Map<string, BulkUserState>();
    try {
      await forEachAtMost(batch, concurrency, async (id) => {
        signal.throwIfAborted();
        const onUser = (user: PanelUser): void => {
          if (!seen.has(id)) seen.set(id, wasOf(user, job.operation));
        };
        const asked = { ...begun.get(id)!, operation: job.operation, onUser };
        after.set(id, await this.#handle(id, before.get(id), asked, signal));
        job.alive();
      });
    } finally {
      const acts = new Map([...begun].map(([id, { at }]) => [id, { at, was: seen.get(id) }]));
      if (after.size > 0) await this.#settle(after, acts, job, book);
    }
  }

  /**
   * Returns the outcome for one user. An earlier call that may have done it is looked at first: its act is this operation's own. Rejects where
   * the reason is not this user's: the next user would fail in the same way.
   */
  async #handle(
    id: string,
    before: BulkUserState | undefined,
    { at, onUser, operation, was }: Begun & { operation: BulkOperation; onUser(user: PanelUser): void },
    signal: AbortSignal,
  ): Promise<BulkUserState> {
    const { panel } = this.#options;
    const action = BULK_ACTIONS[operation];
    const wasAsked = askedAt(before) !== undefined;
    try {
      const found = wasAsked ? await panel.user(id, signal) : undefined;
      if (found) onUser(found);
      if (wasAsked && action.isDone(found, new Date(at))) return { state: 'done' };
      const result = await action.act(panel, id, signal, onUser);
      return result === 'not_found' ? { state: 'failed', reason: NOT_FOUND } : { state: result };
    } catch (error) {
      if (signal.aborted || isEveryones(error)) throw error;
      const tries = triesOf(before) + 1;
      const reason = errorMessage(error);
      const isLast = error instanceof PermanentError || tries > TRY_AGAIN_AFTER_MS.length;
      if (isLast) return { state: 'failed', reason };
      return { state: 'waiting', tries, reason, ...((wasAsked || isAnswerLost(error)) && { at }), ...(was && { was }) };
    }
  }

  /**
   * Writes the audit trail first, with the time of the first call for each user: the next run looks again at a user without an entry, and then
   * writes it.
   */
  async #settle(
    after: ReadonlyMap<string, BulkUserState>,
    begun: ReadonlyMap<string, Begun>,
    job: BulkJob,
    { progress, receipt, tally }: Book,
  ): Promise<void> {
    const { auditLogs, backendKeys, states } = this.#options;
    const changed = [...after].filter(([, { state }]) => state === 'done').map(([id]) => id);
    await job.confirmHeld();
    await auditLogs.write(changed.map((id) => auditEntry(id, begun.get(id)!.at, job))).catch((cause: unknown) => {
      const message = `bulk ${job.operation}: the audit trail does not take ${changed.length} entries: ${errorMessage(cause)}`;
      throw new TransientError(AUDIT_UNWRITTEN, message, { cause });
    });
    await receipt.done(changed.map((id) => bulkLine(job, id, begun.get(id)?.was)));
    tally.add(after);
    // Both at once: while Redis is away each of them takes seconds to fail.
    await Promise.all([
      states.set(job.jobId, after),
      ...changed.map((id) => backendKeys.forgetSubscription(id)),
      progress.show({ status: 'running', ...tally.progress }),
    ]);
  }

  async #end(job: BulkJob, tally: BulkTally, progress: BulkProgress, status: BulkEnd): Promise<void> {
    const { clock, notices } = this.#options;
    await progress.show({ status, ...tally.progress });
    // The job asked for no user, so nobody waits for an answer.
    if (job.users.length === 0) return;
    const { jobId, operation, initiatedBy, namedAs } = job;
    const durationMs = clock().getTime() - job.enqueuedAt.getTime();
    const { succeeded, total } = tally.progress;
    const { failures } = tally;
    await notices.tell(job, 'bulk_completed', (locale) =>
      bulkOperationEnded(
        { operation, status, jobId, initiatedBy, namedAs, durationMs, total, succeeded, failures },
        locale,
      ),
    );
  }

  /** An outage of another service does not end a job that may take hours. */
  #later(job: BulkJob, error: unknown): unknown {
    const delayMs = laterMs(ageMsOf(job), PATIENCE);
    if (!(error instanceof TransientError) || delayMs === undefined) return error;
    if (error.code === AUDIT_UNWRITTEN && isServerAway(error)) return error;
    return new SnoozeError(errorMessage(error), { delayMs, cause: error });
  }

  #progressOf({ alive, confirmHeld, enqueuedAt, operation, progressId }: BulkJob): BulkProgress {
    return new BulkProgress(this.#options.progress, {
      alive,
      confirmHeld,
      id: progressId,
      operation,
      startedAt: enqueuedAt,
      events: { moved: 'bulk.progress', ended: 'bulk.completed' },
    });
  }
}

const triesOf = (state: BulkUserState | undefined): number => (state && 'tries' in state ? state.tries : 0);

const auditEntry = (id: string, at: number, { initiatedBy, jobId, namedAs, operation }: BulkJob) => ({
  id: bulkActId(jobId, id),
  at: new Date(at),
  action: `bulk.${operation}`,
  entityType: 'subscription',
  entityId: id,
  newValue: { operation, job_id: jobId, by: initiatedBy, ...(namedAs !== undefined && { named_as: namedAs }) },
});

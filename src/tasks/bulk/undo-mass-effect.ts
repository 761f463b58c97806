import { z } from 'zod';
import { BulkProgress, ProgressId } from '../../domain/bulk/progress.ts';
import type { UndoJob } from '../../domain/bulk/undo.ts';
import type { UndoStep } from '../../domain/bulk/undo-rules.ts';
import { days, seconds } from '../../lib/duration.ts';
import { errorMessage, SnoozeError, TransientError } from '../../lib/errors.ts';
import { LEFT_IN_WORDS } from '../../messages/receipts.ts';
import { defineMassTask } from '../../runtime/define-mass-task.ts';
import type { RunContext } from '../../runtime/define-task.ts';

/** While it is held, or another job undoes the same, it looks so often whether it may go on. */
const LOOK_AGAIN_MS = seconds(20);
const HELD_AT_MOST_MS = days(1);

const payload = z.object({
  receipt_id: z.guid().describe('The receipt of the run whose acts are undone'),
  job_id: ProgressId,
});

/**
 * Undoes what a mass act did, as far as it still stands as it was left, and names the rest with the reason. Each act is undone once: a
 * run that goes on after a killed one, and a second undo, find it done. It has a receipt of its own, by which it can be undone in turn.
 */
export default defineMassTask({
  name: 'undo_mass_effect',
  summary: {
    en: 'Undoes the acts of a receipt that still stand as they were left, and names the rest with the reason',
    ru: 'Отменяет действия из квитанции, которые остались как были, и называет остальные с причиной',
  },
  payload,
  args: ['receipt_id', 'job_id'],
  retry: { delaysMs: [seconds(60), seconds(60), seconds(60)], exhausted: 'alert' },
  timeLimitMs: 'none',
  longRunning: true,
  watched: true,
  counts: {
    undone: 'Acts undone',
    left: 'Acts left alone, each with a reason on the receipt',
    total: 'Acts looked at',
    held: 'Runs that an admin did not let go on',
  },
  effects: {
    enable: { en: 'enable', ru: 'включить' },
    disable: { en: 'disable', ru: 'отключить' },
    leave: { en: 'leave alone', ru: 'не трогать', isLeft: true },
  },
  needs: ['brake', 'bulkProgress', 'panel', 'undoActs'],

  plan: (given, context) => context.undoActs.plan(jobOf(given, context)),

  show: ({ does, line, user, why }) => ({
    effect: does,
    subject: user?.username ?? line.subject,
    id: user?.id ?? line.id,
    ...(why && { detail: LEFT_IN_WORDS[why].en }),
  }),

  async run(given, context, planned) {
    const { brake, bulkProgress, now, panel, signal, task, undoActs } = context;
    const job = jobOf(given, context);
    using progress = new BulkProgress(bulkProgress, {
      ...{ alive: job.alive, confirmHeld: job.confirmHeld },
      id: given.job_id ?? job.jobId,
      operation: 'undo',
      startedAt: context.enqueuedAt,
      events: { moved: 'bulk.progress', ended: 'bulk.completed' },
    });
    let total = 0;
    let wanted = 0;
    for await (const { steps } of planned.groups()) {
      job.alive();
      total += steps.length;
      wanted += steps.filter(({ does }) => does !== 'leave').length;
    }
    const { total: users } = await panel.countUsers(signal);
    const verdict = await brake.check({
      ...{ task, name: `${task.name}:${given.receipt_id}`, wouldTouch: wanted, listed: users, counted: users },
      ...{ now, signal },
      lines: planned.lines,
    });
    if (!verdict.go) {
      if (verdict.isDeclined || now.getTime() - context.enqueuedAt.getTime() > HELD_AT_MOST_MS)
        return { undone: 0, left: 0, total, held: 1 };
      throw new SnoozeError(`undo: ${wanted} of ${users} users wait for an admin's decision`, {
        delayMs: LOOK_AGAIN_MS,
      });
    }

    const counts = { undone: 0, left: 0 };
    const failed: unknown[] = [];
    let room = verdict.atMost;
    for await (const { steps } of planned.groups()) {
      signal.throwIfAborted();
      const shown = new Set(await brake.allowed(verdict, steps, planned.lineOf));
      const asked = steps.map((step): UndoStep => {
        if (step.does === 'leave') return step;
        if (!shown.has(step)) return { ...step, does: 'leave', why: 'not_shown' };
        room -= 1;
        return room >= 0 ? step : { ...step, does: 'leave', why: 'not_shown' };
      });
      const some = await undoActs.act(asked, job, planned.receipt);
      counts.undone += some.undone;
      counts.left += some.left;
      failed.push(...some.failed);
      const processed = counts.undone + counts.left;
      await progress.show({ status: 'running', total, processed, succeeded: counts.undone, failed: 0, errors: [] });
    }
    if (failed.length > 0) {
      const message = `${task.name}: ${failed.length} act(s) not undone, the first because: ${errorMessage(failed[0])}`;
      throw new TransientError('undo_failed', message, { cause: failed[0] });
    }
    if (await undoActs.isInOtherHands(job))
      throw new SnoozeError('undo: another job has some of these acts in its hands', { delayMs: LOOK_AGAIN_MS });
    const processed = counts.undone + counts.left;
    await progress.show({ status: 'completed', total, processed, succeeded: counts.undone, failed: 0, errors: [] });
    return { ...counts, total, held: 0 };
  },
});

const jobOf = ({ receipt_id: receiptId }: z.output<typeof payload>, context: RunContext): UndoJob => {
  const { alive, confirmHeld, initiatedBy, jobId, log, now, signal } = context;
  return { alive, confirmHeld, initiatedBy, jobId, log, now, receiptId, signal };
};

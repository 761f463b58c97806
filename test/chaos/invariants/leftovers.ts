import type { Evidence, JobEvidence, Violation } from '../evidence.ts';
import { flushedAt } from './doubts.ts';

/** An idle stream holds one entry at most; some may arrive during the check. */
export const STREAM_IDLE = 5;

/** No row is overdue, no job is never run, no message is never taken. */
export function stuck({ jobs, openTransactions, rowsPastDue, stream }: Evidence): Violation[] {
  const rule = 'nothing stuck';
  const violations: Violation[] = rowsPastDue.map(({ dueMs, id }) => ({
    rule,
    atMs: dueMs,
    what: `row ${id} is past its time`,
  }));
  for (const { id, queue, state, task } of jobs)
    violations.push({ rule, atMs: 0, what: `job ${id} (${task}) is still ${state} in ${queue}` });
  if (stream.length > STREAM_IDLE)
    violations.push({ rule, atMs: 0, what: `the stream holds ${stream.length} entries` });
  if (stream.pending > 0)
    violations.push({ rule, atMs: 0, what: `${stream.pending} entries of the stream are pending` });
  if (openTransactions > 0)
    violations.push({ rule, atMs: 0, what: `${openTransactions} sessions sit in an open transaction` });
  return violations;
}

/** An export is whole and announced, or its failure is; no other file is in its folder. */
export function exportsWrong({ asked, drafts, events, exports, strangeFiles }: Evidence): Violation[] {
  const flushMs = flushedAt(events);
  const rule = 'no orphan export';
  const violations = asked.exports.flatMap(({ atMs, jobId }): Violation[] => {
    const seen = exports.get(jobId);
    const say = (what: string): Violation[] => [{ rule, atMs, what: `export ${jobId}: ${what}` }];
    if (seen?.file === 'broken') return say('its file is broken');
    if (!seen || seen.state === 'missing')
      return flushMs !== undefined && atMs < flushMs ? [] : say('its job is gone from Redis');
    if (seen.state === 'completed') {
      const rows = Number(seen.result?.rows);
      if (seen.file === undefined) return say('completed without a file');
      if (seen.file.rows !== rows) return say(`its file has ${seen.file.rows} rows, its result ${rows}`);
      return seen.notices.join() === 'export_ready' ? [] : say(`told: ${seen.notices.join() || 'nobody'}`);
    }
    if (seen.state !== 'failed') return say(`is ${seen.state}`);
    if (seen.file !== undefined && !seen.notices.includes('export_ready')) return say('failed and left a file');
    return seen.notices.length > 0 ? [] : say(`failed and nobody was told: ${seen.error}`);
  });
  for (const draft of drafts)
    violations.push({ rule, atMs: 0, what: `a half-written file is left after cleaning up: ${draft}` });
  for (const file of strangeFiles) violations.push({ rule, atMs: 0, what: `a file of no export: ${file}` });
  return violations;
}

/** Every message of a producer has its result; one that cannot be understood is a dead letter. */
export function taskiqWrong({ asked, deadMessages, events, results }: Evidence): Violation[] {
  const flushMs = flushedAt(events);
  return asked.taskiq
    .filter(({ atMs }) => flushMs === undefined || atMs > flushMs)
    .flatMap(({ atMs, isPoison, taskId }) => [
      ...(results.has(taskId) ? [] : [{ rule: 'nothing lost', atMs, what: `TaskIQ message ${taskId} has no result` }]),
      ...(isPoison === deadMessages.has(taskId)
        ? []
        : [{ rule: 'nothing lost', atMs, what: `TaskIQ message ${taskId} is ${isPoison ? 'no' : 'a'} dead letter` }]),
    ]);
}

/** A job of a task that no worker here knows waits for one that does: it is not lost, not ended and not in anybody's way. */
export function nextVersionWrong({ asked, events, ofNextVersion }: Evidence): Violation[] {
  const flushMs = flushedAt(events);
  return asked.ofNextVersion.flatMap(({ atMs, jobId }) => {
    const { error, state = 'missing' }: Partial<JobEvidence> = ofNextVersion.get(jobId) ?? {};
    const isExcused = state === 'missing' && flushMs !== undefined && atMs < flushMs;
    if (isExcused || !['completed', 'failed', 'missing'].includes(state)) return [];
    const what = `job ${jobId} of the next version is ${state}${error ? `: ${error}` : ''}`;
    return [{ rule: 'nothing lost', atMs, what }];
  });
}

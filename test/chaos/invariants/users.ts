import type { Evidence, Violation } from '../evidence.ts';
import { flushedAt } from './doubts.ts';

/** Only users that an admin named are disabled. */
export function disabledWrongly({ asked, panelUsers }: Evidence): Violation[] {
  const meant = new Set(asked.bulk.filter(({ operation }) => operation === 'disable').flatMap(({ users }) => users));
  return [...panelUsers]
    .filter(([name, { disables }]) => disables > 0 && !meant.has(name) && !asked.doubtful.has(name))
    .map(([name]) => ({ rule: 'nobody disabled wrongly', atMs: 0, what: `${name} was disabled` }));
}

/** A bulk operation ends and has then acted on each user once. */
export function bulkWrong(evidence: Evidence): Violation[] {
  const { asked, bulk, events, panelUsers } = evidence;
  const flushMs = flushedAt(events);
  return asked.bulk.flatMap(({ atMs, jobId, operation, users }) => {
    const job = bulk.get(jobId);
    if (!job || job.state === 'missing') {
      const isExcused = flushMs !== undefined && atMs < flushMs;
      return isExcused ? [] : [{ rule: 'nothing lost', atMs, what: `bulk ${operation} ${jobId} is gone from Redis` }];
    }
    const undone = users.filter((name) => {
      const user = panelUsers.get(name);
      return operation === 'disable' ? user?.status !== 'DISABLED' : (user?.resets ?? 0) === 0;
    });
    const faults = [
      ...(job.state === 'completed' ? [] : [`is ${job.state}${job.error ? `: ${job.error}` : ''}`]),
      ...(undone.length > 0
        ? [`${undone.length} of ${users.length} users are not ${operation}d, first ${undone[0]}`]
        : []),
    ];
    return faults.map((fault) => ({ rule: 'bulk operations end', atMs, what: `bulk ${operation} ${jobId} ${fault}` }));
  });
}

/** Users whose subscription ends soon are reminded once. */
export function remindersWrong({ asked, reminders }: Evidence): Violation[] {
  return asked.expiring
    .map(({ telegramId, username }) => ({ username, rows: reminders.get(telegramId) ?? 0 }))
    .filter(({ rows }) => rows !== 1)
    .map(({ rows, username }) => ({ rule: 'reminded once', atMs: 0, what: `${username} has ${rows} reminders` }));
}

/** Users that the panel has marked as expired are not disabled in addition. */
export function contractBroken({ contractViolations }: Evidence): Violation[] {
  return contractViolations.map((what) => ({ rule: 'the panel is spoken to as its contract says', atMs: 0, what }));
}

/** An event that the panel has not signed is refused. What its own events say falsely is believed by nobody, which other rules find. */
export function forgedTaken({ asked }: Evidence): Violation[] {
  if (asked.forgedTaken === 0) return [];
  return [{ rule: 'nobody else speaks as the panel', atMs: 0, what: `${asked.forgedTaken} forged events were taken` }];
}

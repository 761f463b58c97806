import type { Evidence, MailEvidence, Violation } from '../evidence.ts';
import type { AskedMessage } from '../load/asked.ts';
import { doubtsFor, flushedAt, handoverDoubts, isInDoubt } from './doubts.ts';

/**
 * Nothing is lost: every requested message has arrived, unless Redis was emptied while it alone knew of it, or it is a mail of unknown
 * outcome.
 */
export function messagesLost(evidence: Evidence): Violation[] {
  const { asked, deliveries, events } = evidence;
  const flushMs = flushedAt(events);
  const unknown = mailsOfUnknownOutcome(evidence);
  return asked.messages
    .filter((message) => !message.refused && !message.mayBeMissing)
    .filter((message) => !deliveries.has(message.key) && !unknown.has(message))
    .filter(({ atMs, kind }) => kind === 'row' || flushMs === undefined || atMs > flushMs)
    .map(({ atMs, jobId, key, kind }) => {
      const mail = jobId === undefined ? undefined : evidence.mailsMissing.get(jobId);
      return { rule: 'nothing lost', atMs, what: `${kind} never arrived: ${key}${mail ? `; ${endOf(mail)}` : ''}` };
    });
}

function endOf({ claimedAtMs, error, state }: MailEvidence): string {
  const claim =
    claimedAtMs === undefined ? 'nobody has it in hand' : `in hand since ${new Date(claimedAtMs).toISOString()}`;
  return `its job is ${state}${error ? `: ${error}` : ''}; ${claim}`;
}

/** How the job of a mail ends whose run ended between its claim and the mail server's answer. */
const OUTCOME_UNKNOWN = /^mail: a run that was handing this message over ended without an answer/;

/** A mail is handed over at most once. It may be missing where its run ended at that very moment, and its job says so. */
function mailsOfUnknownOutcome({ asked, events, mailsMissing }: Evidence): ReadonlySet<AskedMessage> {
  const doubts = handoverDoubts(events);
  return new Set(
    asked.messages.filter(({ jobId = '' }) => {
      const { claimedAtMs, error = '', state } = mailsMissing.get(jobId) ?? {};
      const isTold = state === 'failed' && OUTCOME_UNKNOWN.test(error);
      return isTold && claimedAtMs !== undefined && isInDoubt(claimedAtMs, doubts);
    }),
  );
}

/** A message is sent twice only if it was in flight when its outcome became unknown. */
export function messagesTwice({ asked, deliveries, events }: Evidence): Violation[] {
  const kinds = new Map(asked.messages.map(({ key, kind }) => [key, kind]));
  const doubts = { row: doubtsFor('row', events), job: doubtsFor('job', events), mail: doubtsFor('mail', events) };
  const violations: Violation[] = [];
  for (const [key, times] of deliveries) {
    const kind = kinds.get(key);
    if (kind === undefined) continue;
    const [atMs] = times.slice(0, -1).filter((at) => !isInDoubt(at, doubts[kind]));
    if (atMs === undefined) continue;
    const gaps = times.slice(1).map((at, i) => `${((at - times[i]!) / 1000).toFixed(1)} s later`);
    violations.push({
      rule: 'sent once',
      atMs,
      what: `${kind} arrived ${times.length} times, again ${gaps.join(', ')}: ${key}`,
    });
  }
  return violations;
}

/** No chat gets a message that was not requested, and a message to a chat that refuses it fails and is not tried forever. */
export function messagesRefused({ asked, deliveries, rowsFailed }: Evidence): Violation[] {
  const refused = new Map(asked.messages.filter((one) => one.refused).map(({ atMs, key }) => [key, atMs]));
  const withdrawn = new Set(asked.messages.filter((one) => one.mayBeMissing).map(({ key }) => key));
  const failed = new Set(rowsFailed.map(({ key }) => key));
  return [
    ...rowsFailed
      // A reminder of a subscription that has ended meanwhile is dropped, as it should be.
      .filter(({ error, key }) => !refused.has(key) && error !== 'obsolete')
      .filter(({ error, key }) => !(withdrawn.has(key) && error.startsWith('withdrawn:')))
      .map(({ error, key }) => ({ rule: 'nothing lost', atMs: 0, what: `row given up: ${key}: ${error}` })),
    ...[...refused]
      .filter(([key]) => !failed.has(key) || deliveries.has(key))
      .map(([key, atMs]) => ({
        rule: 'nothing stuck',
        atMs,
        what: `row to a chat that blocked the bot is not failed: ${key}`,
      })),
  ];
}

/**
 * `inFlight`: messages in flight at a fault. `inDoubt`: those, and the messages that neither Redis nor PostgreSQL could record or keep.
 * `unknown`: mails that did not arrive and were in flight. `excused`: what was gone with the emptied Redis.
 */
export type MessageCounts = {
  asked: number;
  delivered: number;
  duplicates: number;
  inFlight: number;
  inDoubt: number;
  unknown: number;
  excused: number;
};

/** The figures of the summary: the messages that were sent more than once, and those that were in flight at a fault. */
export function countMessages(evidence: Evidence): MessageCounts {
  const { asked, deliveries, events } = evidence;
  const doubts = { row: doubtsFor('row', events), job: doubtsFor('job', events), mail: doubtsFor('mail', events) };
  const mailsUnknown = mailsOfUnknownOutcome(evidence);
  const [unknown, excused] = [mailsUnknown.size, 0];
  const counts = {
    asked: asked.messages.length,
    delivered: 0,
    duplicates: 0,
    inFlight: 0,
    inDoubt: 0,
    unknown,
    excused,
  };
  for (const message of asked.messages) {
    const { key, kind } = message;
    const times = deliveries.get(key) ?? [];
    if (times.length > 0) counts.delivered += 1;
    else if (!message.refused && !message.mayBeMissing && !mailsUnknown.has(message)) counts.excused += 1;
    counts.duplicates += Math.max(0, times.length - 1);
    const [first] = times;
    if (first === undefined) continue;
    if (isInDoubt(first, doubts[kind])) counts.inDoubt += 1;
    const flights = doubts[kind].filter(({ isFlight }) => isFlight);
    if (isInDoubt(first, flights)) counts.inFlight += 1;
  }
  return counts;
}

import type { Evidence, Violation } from '../evidence.ts';
import { exportsWrong, nextVersionWrong, stuck, taskiqWrong } from './leftovers.ts';
import { messagesLost, messagesRefused, messagesTwice } from './messages.ts';
import { extensionsWrong, paymentsWrong } from './money.ts';
import { processesWrong } from './processes.ts';
import { runsWrong, schedulesWrong } from './schedules.ts';
import { decisionsWrong, dryRunsWrong, heldWrong } from './staff.ts';
import { toldFalsely, toldTooOften } from './told.ts';
import { bulkWrong, contractBroken, disabledWrongly, forgedTaken, remindersWrong } from './users.ts';

const INVARIANTS: readonly ((evidence: Evidence) => Violation[])[] = [
  paymentsWrong,
  extensionsWrong,
  messagesLost,
  messagesTwice,
  messagesRefused,
  disabledWrongly,
  bulkWrong,
  remindersWrong,
  contractBroken,
  stuck,
  exportsWrong,
  taskiqWrong,
  schedulesWrong,
  runsWrong,
  processesWrong,
  decisionsWrong,
  heldWrong,
  dryRunsWrong,
  nextVersionWrong,
  forgedTaken,
  toldFalsely,
  toldTooOften,
];

/** All broken promises, in the order in which they became visible. */
export function violationsIn(evidence: Evidence): Violation[] {
  return INVARIANTS.flatMap((check) => check(evidence)).sort((a, b) => a.atMs - b.atMs);
}

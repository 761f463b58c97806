import type { PanelUser } from '../../clients/remnawave/types.ts';
import { isJustOver, nearestBracket } from './brackets.ts';
import type { Candidate } from './notices.ts';
import { isJustUsedUp } from './used-up-traffic.ts';

/** What these are to be told while their time runs: that it ends soon, and that their traffic is used up. */
export function dueWhileRunning(users: readonly PanelUser[], now: Date): Candidate[] {
  return users.flatMap((user): Candidate[] => {
    const isRunning = user.status === 'ACTIVE' || user.status === 'LIMITED';
    const bracket = isRunning ? nearestBracket(user.expireAt, now) : undefined;
    return [
      ...(bracket ? [{ user, kind: bracket.kind }] : []),
      ...(isJustUsedUp(user, now) ? [{ user, kind: 'traffic' as const }] : []),
    ];
  });
}

/** Whom the panel marked EXPIRED itself: they are told and left as they are, because extending such a user revives it. */
export function dueAfterTheEnd(users: readonly PanelUser[], now: Date): Candidate[] {
  return users
    .filter((user) => user.status === 'EXPIRED' && isJustOver(user, now))
    .map((user) => ({ user, kind: 'expired' }));
}

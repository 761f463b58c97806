import type { PanelUser } from '../../clients/remnawave/types.ts';
import { hours } from '../../lib/duration.ts';

/** What a user may use up: a limit, since the last reset or else since the beginning. */
export type Allowance = Pick<PanelUser, 'createdAt' | 'lastTrafficResetAt' | 'trafficLimitBytes'>;

/**
 * Somebody who was last online longer ago is not told any more: the traffic was used up then, and the first run in a long-lived system must
 * not write to everybody who ever was.
 */
const TOLD_WITHIN_MS = hours(48);

/**
 * The name of an allowance, the same in both generations of the panel. Another one begins with a reset, and with a change of the limit: what
 * a customer has bought on top can be used up as well.
 */
export function allowanceOf({ createdAt, lastTrafficResetAt, trafficLimitBytes }: Partial<Allowance>): string {
  return `${(lastTrafficResetAt ?? createdAt)?.toISOString()}:${trafficLimitBytes}`;
}

/** Whether nothing goes through because the traffic is used up. The panel marks such a user LIMITED within 45 s. */
export function isUsedUp(user: PanelUser, now: Date): boolean {
  const { expireAt, status, trafficLimitBytes, usedTrafficBytes } = user;
  if (trafficLimitBytes <= 0 || expireAt <= now) return false;
  return status === 'LIMITED' || (status === 'ACTIVE' && usedTrafficBytes >= trafficLimitBytes);
}

/** Whether the user is to be told of it: since less than 48 hours, or the panel does not say when the user was online. */
export function isJustUsedUp(user: PanelUser, now: Date): boolean {
  return isUsedUp(user, now) && now.getTime() - (user.onlineAt ?? now).getTime() < TOLD_WITHIN_MS;
}

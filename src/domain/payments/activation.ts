import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { seconds } from '../../lib/duration.ts';
import { BreakerOpenError, TransientError } from '../../lib/errors.ts';

/** A panel that keeps whole seconds still has the date that we asked for. */
const ROUNDING_MS = seconds(1);

/** Other payments of the same user may move the wanted date while we set it, but not more often than this. */
const ROUNDS = 10;

export type Activation = {
  panel: Panel;
  userId: string;
  /** The date until which the user must be let in, read again before every change. */
  wanted(user: PanelUser): Promise<Date>;
  signal: AbortSignal;
};

/**
 * Makes the panel let the user in until the wanted date; `undefined` when there is no such user. The panel is read before and after. A date
 * that it already has is not set again, so a call whose answer was lost counts, and a later date is never shortened. Throws when the panel
 * does not have the date in the end.
 */
export async function activate({ panel, userId, wanted, signal }: Activation): Promise<PanelUser | undefined> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const user = await panel.user(userId, signal);
    if (!user) return undefined;
    const until = await wanted(user);
    if (has(user, until)) return user;
    await extend(panel, user, new Date(Math.max(until.getTime(), user.expireAt.getTime())), signal);
  }
  throw new TransientError(
    'panel_not_active',
    `remnawave: user ${userId} is still not active until the paid date after ${ROUNDS} tries; look at this user in the panel`,
  );
}

async function extend(panel: Panel, { id }: PanelUser, until: Date, signal: AbortSignal): Promise<void> {
  try {
    await panel.extendTo(id, until, signal);
  } catch (error) {
    if (!(error instanceof TransientError) || error instanceof BreakerOpenError || signal.aborted) throw error;
    // The outcome is unknown: the change may have happened anyway.
    const seen = await panel.user(id, signal).catch(() => undefined);
    if (!seen || !has(seen, until)) throw error;
  }
}

function has({ expireAt, status }: PanelUser, until: Date): boolean {
  return status === 'ACTIVE' && expireAt.getTime() > until.getTime() - ROUNDING_MS;
}

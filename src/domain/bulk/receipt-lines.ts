import type { PanelUser } from '../../clients/remnawave/types.ts';
import { forEachAtMost } from '../../lib/async-iteration.ts';
import type { ReceiptLine } from '../../lib/receipt.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import type { BulkUserState, BulkUserWas } from '../../repositories/redis/bulk/bulk-user-states.ts';
import { BULK_ACTIONS, type BulkOperation, type BulkPanel } from './actions.ts';

/** What a receipt keeps of a user. Whom the panel shows as disabled because it was asked to was on before, in a state that it does not say. */
export function wasOf(user: PanelUser, operation: BulkOperation): BulkUserWas {
  const { expireAt, status, telegramId, trafficLimitBytes, usedTrafficBytes, username } = user;
  return {
    username,
    ...(operation !== 'disable' && { status: operation === 'enable' ? 'DISABLED' : status }),
    expire_at: expireAt.toISOString(),
    used_traffic_bytes: usedTrafficBytes,
    traffic_limit_bytes: trafficLimitBytes,
    ...(telegramId !== undefined && { telegram_id: telegramId }),
  };
}

/** Names the act of one job on one user: in the audit trail and in the receipt. */
export const bulkActId = (jobId: string, user: string): string => uuidFrom(`bulk:${jobId}:${user}`);

/** An act on one user, by name where that was seen. */
export function bulkLine(
  { jobId, operation }: { jobId: string; operation: BulkOperation },
  id: string,
  was: BulkUserWas | undefined,
): ReceiptLine {
  const { username = id, ...before } = was ?? {};
  return { act: bulkActId(jobId, id), effect: operation, subject: username, id, ...(was && { was: before }) };
}

/** When a call was made for this user whose outcome is not known. */
export const askedAt = (state: BulkUserState | undefined): number | undefined =>
  state?.state === 'begun' || state?.state === 'waiting' ? state.at : undefined;

/** What stood before, where nothing shows it afterwards. A user who cannot be read now is acted on anyway. */
export async function seenBefore(
  { concurrency, operation, panel }: { panel: BulkPanel; concurrency: number; operation: BulkOperation },
  before: ReadonlyMap<string, BulkUserState | undefined>,
  signal: AbortSignal,
): Promise<Map<string, BulkUserWas>> {
  const seen = new Map<string, BulkUserWas>();
  await forEachAtMost(before, concurrency, async ([id, state]) => {
    const was = state && 'was' in state ? state.was : undefined;
    if (was) seen.set(id, was);
    else if (BULK_ACTIONS[operation].looksFirst && askedAt(state) === undefined) {
      const user = await panel.user(id, signal).catch(() => undefined);
      signal.throwIfAborted();
      if (user) seen.set(id, wasOf(user, operation));
    }
  });
  return seen;
}

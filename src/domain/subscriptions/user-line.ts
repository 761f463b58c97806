import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { PlannedLine } from '../../lib/planned-line.ts';
import type { ReceiptLine } from '../../lib/receipt.ts';
import type { Notice } from './notices.ts';

/** What would be done to a panel user, as a line of a list: by the username, which an upgrade of the panel keeps. */
export const userLine = <Effect extends string>(
  effect: Effect,
  { id, username }: Pick<PanelUser, 'username'> & Partial<Pick<PanelUser, 'id'>>,
  detail?: Date | string,
): PlannedLine<Effect> => ({
  effect,
  subject: username,
  ...(id !== undefined && { id }),
  ...(detail !== undefined && { detail: typeof detail === 'string' ? detail : detail.toISOString() }),
});

/** A notice that is about to be queued, as a line of a receipt: its row says whether it was. */
export const noticeLine = (effect: string, { id, telegramId, user }: Notice): ReceiptLine => ({
  act: id,
  isMessage: true,
  ...userLine(effect, user, user.expireAt),
  was: { status: user.status, expire_at: user.expireAt.toISOString(), telegram_id: telegramId },
});

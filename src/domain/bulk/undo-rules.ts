import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { KeptLine, LeftReason } from '../../repositories/history/receipts.ts';
import type { MoneyState } from '../payments/customer-picture.ts';

/** What undoes an act at the panel. */
export type UndoAct = 'enable' | 'disable';

/** By the effect that a receipt names. No other act can be undone: the panel keeps no traffic and no user that is gone, and a message that was sent stays sent. */
const UNDONE_BY: Readonly<Record<string, UndoAct>> = {
  disable: 'enable',
  disable_and_tell: 'enable',
  enable: 'disable',
};

export const UNDOABLE: readonly string[] = Object.keys(UNDONE_BY);

/** One act and what is to become of it. */
export type UndoStep = {
  line: KeptLine;
  user: PanelUser | undefined;
  does: UndoAct | 'leave';
  why?: LeftReason;
  /** A run of this job that was cut off has done it. */
  isDone?: true;
};

/** Facts about a user that the panel does not show. */
export type SinceThen = { isActedOn: boolean; isTouched: boolean; money: MoneyState };

/**
 * Whether what an act left still stands as it left it. `job` is the one that undoes: it has judged before the acts that it has in its hands.
 */
export function judged(line: KeptLine, user: PanelUser | undefined, job: string, since: SinceThen): UndoStep {
  const act = UNDONE_BY[line.effect]!;
  const leave = (why: LeftReason): UndoStep => ({ line, user, does: 'leave', why });
  if (!user) return leave('gone');
  const isOurs = line.undo?.state === 'begun' && line.undo.job === job;
  const isDone = (user.status === 'DISABLED') === (act === 'disable');
  if (isDone) return isOurs ? { line, user, does: act, isDone: true } : leave('status_changed');
  if (isOurs) return { line, user, does: act };
  const then = line.was.expire_at;
  if (then !== undefined && new Date(then).getTime() !== user.expireAt.getTime()) return leave('date_changed');
  if (since.isActedOn) return leave('later_run');
  if (since.isTouched) return leave('staff');
  if (since.money === 'paid' || since.money === 'promised') return leave('paid');
  if (act === 'disable' && since.money === 'unknown') return leave('money_unknown');
  return { line, user, does: act };
}

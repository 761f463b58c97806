import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { PlannedLine } from '../../lib/planned-line.ts';

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

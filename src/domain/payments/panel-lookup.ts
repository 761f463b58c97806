import { z } from 'zod';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';

export type PanelLookup = Pick<Panel, 'user' | 'userByShortUuid' | 'userByUsername'>;

/**
 * The panel users that a person or the platform may mean by this text: an id, a uuid, a username or a short uuid. Several where the id of
 * one is the username of another.
 */
export async function panelUsersNamed(panel: PanelLookup, text: string, signal: AbortSignal): Promise<PanelUser[]> {
  const byId = await panel.user(text, signal);
  if (z.guid().safeParse(text).success) return byId ? [byId] : [];
  const named = await panel.userByUsername(text, signal);
  const found = [byId, named].filter((user) => user !== undefined);
  if (found.length > 0) return [...new Map(found.map((user) => [user.id, user])).values()];
  const short = await panel.userByShortUuid(text, signal);
  return short ? [short] : [];
}

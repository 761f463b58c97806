import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { Listing } from '../../lib/read-each.ts';
import type { CustomerContacts } from '../../repositories/customer-contacts.ts';

export type PeopleOptions = {
  panel: Pick<Panel, 'user' | 'userByUsername' | 'usersByTelegramId'>;
  contacts: Pick<CustomerContacts, 'names' | 'panelRefs' | 'telegramIds' | 'telegramIdsByName'>;
};

/**
 * Finds the person of a panel user, and the panel users of a person. The panel's own Telegram id comes first. The platform's tables refer to users by
 * uuid, which panels 3.x do not have: there the name connects both, where one customer only has it and the panel has no other Telegram id.
 */
export class People {
  readonly #options: PeopleOptions;

  constructor(options: PeopleOptions) {
    this.#options = options;
  }

  /** Telegram ids by panel user id; users of whom none is known are left out. */
  async telegramIds(users: readonly PanelUser[]): Promise<ReadonlyMap<string, number>> {
    const { contacts } = this.#options;
    const known = new Map(
      users.flatMap(({ id, telegramId }) => (telegramId === undefined ? [] : [[id, telegramId] as const])),
    );
    const unknown = users.filter(({ id }) => !known.has(id));
    const nameless = unknown.filter(({ uuid }) => uuid === undefined);
    const [byRef, byName] = await Promise.all([
      contacts.telegramIds(unknown.map(({ id }) => id.toLowerCase())),
      contacts.telegramIdsByName(nameless.map(({ username }) => username)),
    ]);
    for (const { id, username, uuid } of unknown) {
      const named = uuid === undefined ? byName.get(username.toLowerCase()) : undefined;
      const telegramId = byRef.get(id.toLowerCase()) ?? named;
      if (telegramId !== undefined) known.set(id, telegramId);
    }
    return known;
  }

  /** All panel users of one person. Rejects where the panel does not answer. */
  async panelUsers(telegramId: number, signal: AbortSignal): Promise<Listing<PanelUser>> {
    const { panel } = this.#options;
    const { holes, items } = await panel.usersByTelegramId(telegramId, signal);
    const all = [...items, ...(await this.#linked(telegramId, signal))];
    return { holes, items: [...new Map(all.map((user) => [user.id, user])).values()] };
  }

  /** Users that only the platform's tables connect with this chat. */
  async #linked(telegramId: number, signal: AbortSignal): Promise<PanelUser[]> {
    const { contacts, panel } = this.#options;
    const [refs, names] = await Promise.all([contacts.panelRefs(telegramId), contacts.names(telegramId)]);
    const [byRef, byName] = await Promise.all([
      Promise.all(refs.map((ref) => panel.user(ref, signal))),
      Promise.all(names.map((name) => panel.userByUsername(name, signal))),
    ]);
    const named = byName.filter((user) => user?.uuid === undefined && user?.telegramId === undefined);
    return [...byRef, ...named].filter((user) => user !== undefined);
  }
}

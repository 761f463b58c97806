import { z } from 'zod';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { TransientError } from '../../lib/errors.ts';
import { holeInWords, type Listing } from '../../lib/read-each.ts';
import type { Customer, Customers } from '../../repositories/customers.ts';
import type { Payment } from '../../repositories/payment-row.ts';

/** Usernames that the panel has, of which a person must choose, and names that the platform has for users whom the panel does not. */
export type PanelCandidates = { candidates: readonly string[]; gone: readonly string[] };

/**
 * The panel user of a payment, or the candidates where there is not exactly one. `none_yet`: a chosen subscription that the backend has not
 * opened.
 */
export type Resolution =
  | { kind: 'found'; user: PanelUser; customer: Customer | undefined }
  | { kind: 'none_yet'; customer: Customer | undefined }
  | ({ kind: 'unresolved'; customer: Customer | undefined } & PanelCandidates);

const NOBODY: Listing<PanelUser> = { items: [], holes: [] };

export type ResolverDependencies = { panel: Panel; customers: Customers };

/** Finds the panel user of a payment, in the platform's order. It does not guess: no match or several are `unresolved`. */
export class PanelUserResolver {
  readonly #panel: Panel;
  readonly #customers: Customers;

  constructor({ panel, customers }: ResolverDependencies) {
    this.#panel = panel;
    this.#customers = customers;
  }

  async resolve(payment: Payment, signal: AbortSignal): Promise<Resolution> {
    const customer = await this.#customers.find(payment.customerId);
    const assigned = await this.#byKnownName(payment, signal);
    if (assigned) return { kind: 'found', user: assigned, customer };
    const names = await this.#names(payment, customer);
    if (names === 'none_yet') return { kind: 'none_yet', customer };
    if (names.length > 1) return { kind: 'unresolved', customer, ...(await this.#among(names, signal)) };
    const found = await this.#look(names[0], customer, signal);
    // Panels 2.x are asked by uuid; there, a person whom the platform does not link is a candidate, and no more.
    const isSure = names.length === 1 || (found.length === 1 && !(await this.#panel.version(signal)).usersHaveUuids);
    if (found.length === 1 && isSure) return { kind: 'found', user: found[0]!, customer };
    const others = found.length > 0 ? found : await this.#byPerson(customer, signal);
    const candidates = others.map(({ username }) => username);
    return { kind: 'unresolved', candidates, gone: found.length > 0 ? [] : names, customer };
  }

  /** Which of the platform's names lead to somebody at the panel. */
  async #among(names: readonly string[], signal: AbortSignal): Promise<PanelCandidates> {
    const users = await Promise.all(names.map((name) => this.#look(name, undefined, signal)));
    return {
      candidates: [...new Set(users.flat().map(({ username }) => username))],
      gone: names.filter((_, i) => users[i]!.length === 0),
    };
  }

  /** The user whom a person chose, or whose name our own renewal wrote: a name means the same user on every panel. */
  async #byKnownName({ hints, mark }: Payment, signal: AbortSignal): Promise<PanelUser | undefined> {
    const name = mark.decision?.panel_name ?? hints.remnawave_username;
    return name === undefined ? undefined : this.#panel.userByUsername(name, signal);
  }

  /** The names that the platform has for the panel user. The first source that has any decides. */
  async #names(
    { customerId, hints, purchase }: Payment,
    customer: Customer | undefined,
  ): Promise<string[] | 'none_yet'> {
    const told = hints.remnawave_uuid ?? hints.remnawave_user_id;
    if (told !== undefined) return [told];
    const owned = await this.#customers.identities(customerId);
    const targeted = owned.filter(({ subscriptionKey: key }) => key && key === hints.target_subscription_key);
    if (purchase.kind === 'upgrade' && purchase.isSelected && targeted.length === 0) return 'none_yet';
    const chosen = targeted.length > 0 ? targeted : owned.filter(({ scope }) => scope === 'account');
    if (chosen.length > 0) return [...new Set(chosen.map(({ panelUser }) => panelUser))];
    if (customer) return customer.panelUuid === undefined ? [] : [customer.panelUuid];
    return [customerId];
  }

  async #look(name: string | undefined, customer: Customer | undefined, signal: AbortSignal): Promise<PanelUser[]> {
    const user = name === undefined ? undefined : await this.#panel.user(name, signal);
    if (user) return [user];
    if (name === undefined) return this.#byPerson(customer, signal);
    const isUuid = z.guid().safeParse(name).success;
    if (isUuid && (await this.#panel.version(signal)).usersHaveUuids) return [];
    return isUuid ? this.#byPerson(customer, signal) : this.#byName(name, signal);
  }

  async #byName(name: string, signal: AbortSignal): Promise<PanelUser[]> {
    const user = (await this.#panel.userByUsername(name, signal)) ?? (await this.#panel.userByShortUuid(name, signal));
    return user ? [user] : [];
  }

  /**
   * Panels 3.x know no uuid, so the customer's own name and Telegram id remain. A user with that name and that Telegram id is the match; a
   * user with that name who belongs to somebody else does not count.
   */
  async #byPerson(customer: Customer | undefined, signal: AbortSignal): Promise<PanelUser[]> {
    if (!customer) return [];
    const { telegramId, username } = customer;
    const named = username === undefined ? undefined : await this.#panel.userByUsername(username, signal);
    if (named && telegramId !== undefined && named.telegramId === telegramId) return [named];
    const { holes, items: linked } =
      telegramId === undefined ? NOBODY : await this.#panel.usersByTelegramId(telegramId, signal);
    const [hole] = holes;
    if (hole) {
      const message = `remnawave: panel user ${hole.item} of Telegram id ${telegramId} cannot be read (${holeInWords(hole)}), so it is not clear for whom a payment is; mend this user at the panel`;
      throw new TransientError('remnawave_schema', message);
    }
    const isFree = named && (named.telegramId === undefined || telegramId === undefined);
    return isFree ? [named, ...linked.filter(({ id }) => id !== named.id)] : linked;
  }
}

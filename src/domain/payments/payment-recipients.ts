import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { Customer, ServiceIdentity } from '../../repositories/customers.ts';
import type { Payment } from '../../repositories/payment-row.ts';

/** A panel user as far as it is known. A queued message has a name and a chat only. */
export type KnownUser = Pick<PanelUser, 'expireAt' | 'username'> &
  Partial<Pick<PanelUser, 'id' | 'shortUuid' | 'telegramId' | 'uuid'>>;

/** The panel user of a payment that auto-renew made, as the payment itself says. */
export function renewedUser(
  { remnawave_user_id: number, remnawave_username: username = '', remnawave_uuid: uuid }: Payment['hints'],
  known: { telegramId: number; expireAt: Date },
): KnownUser {
  if (uuid !== undefined) return { ...known, username, id: uuid, uuid };
  return { ...known, username, ...(number !== undefined && { id: number }) };
}

/** What of a payment says for whom it is. */
export type Addressed = Pick<Payment, 'customerId' | 'hints' | 'mark' | 'purchase'>;

/** A customer with the panel users that the platform links to them. */
export type Owner = { customer: Customer | undefined; identities: readonly ServiceIdentity[] };

/** For whom a payment can be, in the order of `PanelUserResolver`, without asking the panel. */
export type Recipients = {
  /** A username that is certain: nobody else is meant. */
  name?: string;
  /** Ids, uuids or names that the platform has for the panel user. */
  refs: readonly string[];
  /** The person, where no ref means anything to this panel. */
  person?: Customer | undefined;
  /** Nobody could be found by the refs, so the person counts beside them. */
  isUnresolved: boolean;
};

const NOBODY: Recipients = { refs: [], isUnresolved: false };

export function recipientsOf({ customerId, hints, mark, purchase }: Addressed, owner: Owner): Recipients {
  const { customer, identities } = owner;
  const isUnresolved = mark.needs?.why === 'unresolved';
  const name = mark.decision?.panel_name ?? mark.panel_name ?? hints.remnawave_username;
  if (name !== undefined) return { name: name.toLowerCase(), refs: [], isUnresolved: false };
  const told = mark.panel_user ?? hints.remnawave_uuid ?? hints.remnawave_user_id;
  if (told !== undefined) return { refs: [told.toLowerCase()], person: customer, isUnresolved };
  const targeted = identities.filter(({ subscriptionKey: key }) => key && key === hints.target_subscription_key);
  if (targeted.length > 0) return { refs: refsOf(targeted), person: customer, isUnresolved: false };
  if (purchase.kind === 'upgrade' && purchase.isSelected) return NOBODY;
  const ofAccount = identities.filter(({ scope }) => scope === 'account');
  if (ofAccount.length > 0) return { refs: refsOf(ofAccount), person: customer, isUnresolved };
  if (!customer) return { refs: [customerId.toLowerCase()], isUnresolved };
  return { refs: customer.panelUuid ? [customer.panelUuid.toLowerCase()] : [], person: customer, isUnresolved };
}

/** Whether the payment can be for this user. Where the panel cannot tell a person's users apart, it can be for each of them. */
export function canBeFor({ isUnresolved, name, person, refs }: Recipients, user: KnownUser): boolean {
  const username = user.username.toLowerCase();
  if (name !== undefined) return name === username;
  const own = [user.id, user.uuid, user.shortUuid].flatMap((id) => (id === undefined ? [] : [id.toLowerCase()]));
  if (refs.some((ref) => ref === username || own.includes(ref))) return true;
  const isByPerson = isUnresolved || !refs.some((ref) => meansSomething(ref, user));
  return isByPerson && person !== undefined && isPerson(person, user);
}

/** The keys under which `canBeFor` can be true for a payment, and for a user: a payment and a user without a common key do not fit. */
export function keysOfRecipients({ name, person, refs }: Recipients): string[] {
  if (name !== undefined) return [name];
  const own = person ? [person.username?.toLowerCase(), chatKey(person.telegramId)] : [];
  return [...refs, ...own].filter((key) => key !== undefined);
}

export function keysOfUser({ id, shortUuid, telegramId, username, uuid }: KnownUser): string[] {
  const keys = [id, uuid, shortUuid, username].map((key) => key?.toLowerCase());
  return [...new Set([...keys, chatKey(telegramId)].filter((key) => key !== undefined))];
}

const chatKey = (telegramId: number | undefined): string | undefined =>
  telegramId === undefined ? undefined : `chat ${telegramId}`;

const refsOf = (identities: readonly ServiceIdentity[]): string[] => [
  ...new Set(identities.map(({ panelUser }) => panelUser.toLowerCase())),
];

/** A uuid means nothing to a panel 3.x, nor a number to a panel 2.x: an id of the other generation is evidence of nothing. */
function meansSomething(ref: string, { id, uuid }: KnownUser): boolean {
  if (z.guid().safeParse(ref).success) return uuid !== undefined;
  return !/^\d+$/.test(ref) || (id !== undefined && uuid === undefined);
}

/** A user of that name who belongs to another chat is somebody else. */
function isPerson({ telegramId, username }: Customer, user: KnownUser): boolean {
  if (telegramId !== undefined && user.telegramId !== undefined) return telegramId === user.telegramId;
  return username !== undefined && username.toLowerCase() === user.username.toLowerCase();
}

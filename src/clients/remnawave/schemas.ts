/**
 * What we read of the panel's answers: only the needed fields, unknown ones are dropped (secrets with them) and tolerated.
 * Absent and null become "not there"; nothing is invented. A word of a set, such as a status, is kept as text: the panel's next version
 * may know more of them.
 */
import { z } from 'zod';
import type { ItemKind } from '../../lib/read-each.ts';
import { bytesOfText } from './bytes.ts';
import type { PanelInbound, PanelUser } from './types.ts';

const date = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A byte counter: a number, or a number as text. */
export const bytes = z.union([z.number(), z.string().regex(/^\d+$/, 'expected digits').transform(Number)]);

/** Bytes as the panel writes them for people: "1.23 GiB". */
export const prettyBytes = z.string().transform((text, context) => {
  const value = bytesOfText(text);
  if (value !== undefined) return value;
  context.addIssue('expected an amount of bytes like "1.23 GiB"');
  return z.NEVER;
});

/** Null counts as absent. Any other wrong value is an error, because a task acts by this field. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

/** A wrong value counts as absent, because no task acts by this field. */
export const soft = <T extends z.ZodType>(schema: T) => maybe(schema).catch(undefined);

const userFields = {
  shortUuid: soft(z.string()),
  username: z.string().min(1),
  status: z.string().min(1),
  expireAt: date,
  telegramId: maybe(z.int()),
  tag: maybe(z.string()),
  trafficLimitBytes: bytes,
  trafficLimitStrategy: z.string().min(1),
  lastTrafficResetAt: maybe(date),
  createdAt: date,
  userTraffic: z.object({ usedTrafficBytes: bytes, onlineAt: soft(date), lastConnectedNodeUuid: soft(z.string()) }),
};

type RawUser = z.output<z.ZodObject<typeof userFields>>;

/**
 * A user asked for by key, whose Telegram id does not matter: somebody who has paid gets the days, also with an odd id. Where a user is
 * looked for by person it does matter, so an odd one must not look like none.
 */
const byKeyFields = { ...userFields, telegramId: soft(z.int()), tag: soft(z.string()) };

const keyV2 = { uuid: z.uuid() };
const keyV3 = { id: z.int().positive() };

const ofV2 = (user: RawUser & { uuid: string }): PanelUser => ({ id: user.uuid, uuid: user.uuid, ...neutral(user) });
const ofV3 = (user: RawUser & { id: number }): PanelUser => ({ id: String(user.id), ...neutral(user) });

/** 2.x: the key is the uuid. */
export const userV2 = z.object({ ...keyV2, ...userFields }).transform(ofV2);
export const userByKeyV2 = z.object({ ...keyV2, ...byKeyFields }).transform(ofV2);

/** 3.x: the key is the number. */
export const userV3 = z.object({ ...keyV3, ...userFields }).transform(ofV3);
export const userByKeyV3 = z.object({ ...keyV3, ...byKeyFields }).transform(ofV3);

/** Users of a list, by the schema of their generation. */
export const usersOf = (schema: z.ZodType<PanelUser>): ItemKind<PanelUser> => ({
  source: 'panel_users',
  schema,
  names: ['uuid', 'id', 'username'],
});

function neutral({ userTraffic, telegramId, tag, ...user }: RawUser): Omit<PanelUser, 'id'> {
  return {
    ...(user.shortUuid !== undefined && { shortUuid: user.shortUuid }),
    username: user.username,
    status: user.status,
    expireAt: user.expireAt,
    ...(telegramId !== undefined && { telegramId }),
    ...(tag !== undefined && { tag }),
    trafficLimitBytes: user.trafficLimitBytes,
    trafficLimitStrategy: user.trafficLimitStrategy,
    usedTrafficBytes: userTraffic.usedTrafficBytes,
    ...(user.lastTrafficResetAt && { lastTrafficResetAt: user.lastTrafficResetAt }),
    ...(userTraffic.onlineAt && { onlineAt: userTraffic.onlineAt }),
    ...(userTraffic.lastConnectedNodeUuid !== undefined && { lastNode: userTraffic.lastConnectedNodeUuid }),
    createdAt: user.createdAt,
  };
}

/** Without `rawInbound`, which holds private keys. */
const inbound = z
  .object({
    uuid: z.string(),
    profileUuid: z.string(),
    tag: z.string(),
    type: z.string(),
    network: soft(z.string()),
    security: soft(z.string()),
    port: soft(z.number()),
  })
  .transform((raw) => present(raw) as PanelInbound);

export const inbounds: ItemKind<PanelInbound> = { source: 'panel_inbounds', schema: inbound, names: ['uuid', 'tag'] };

/** The same object without the keys that hold `undefined`. */
export function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}

export { date };

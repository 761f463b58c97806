/**
 * What we read of the panel's answers: only the needed fields, unknown ones are dropped (secrets with them) and tolerated.
 * Absent and null become "not there"; nothing is invented.
 */
import { z } from 'zod';
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

const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const userFields = {
  shortUuid: z.string(),
  username: z.string(),
  status: z.enum(['ACTIVE', 'DISABLED', 'LIMITED', 'EXPIRED']),
  expireAt: date,
  telegramId: maybe(z.int()),
  tag: maybe(z.string()),
  trafficLimitBytes: bytes,
  trafficLimitStrategy: z.enum(['NO_RESET', 'DAY', 'WEEK', 'MONTH', 'MONTH_ROLLING']),
  lastTrafficResetAt: maybe(date),
  createdAt: date,
  userTraffic: z.object({ usedTrafficBytes: bytes, onlineAt: maybe(date) }),
};

type RawUser = z.output<z.ZodObject<typeof userFields>>;

/** 2.x: the key is the uuid. */
export const userV2 = z
  .object({ uuid: z.uuid(), ...userFields })
  .transform((user): PanelUser => ({ id: user.uuid, uuid: user.uuid, ...neutral(user) }));

/** 3.x: the key is the number. */
export const userV3 = z
  .object({ id: z.int().positive(), ...userFields })
  .transform((user): PanelUser => ({ id: String(user.id), ...neutral(user) }));

function neutral({ userTraffic, telegramId, tag, ...user }: RawUser): Omit<PanelUser, 'id'> {
  return {
    shortUuid: user.shortUuid,
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
    createdAt: user.createdAt,
  };
}

/** Without `rawInbound`, which holds private keys. */
export const inbound = z
  .object({
    uuid: z.string(),
    profileUuid: z.string(),
    tag: z.string(),
    type: z.string(),
    network: maybe(z.string()),
    security: maybe(z.string()),
    port: maybe(z.number()),
  })
  .transform((raw) => present(raw) as PanelInbound);

/** The same object without the keys that hold `undefined`. */
export function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as never;
}

export { date, maybe };

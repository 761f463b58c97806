import { DomainError, InternalError, type SandboxUser, type Status } from './model.ts';
import { canSortBy, type Sorting } from './order.ts';
import type { Call, Reply, Route } from './routes.ts';
import type { PanelState } from './state.ts';
import type { NewUser, UserChange } from './users.ts';
import { userToWire } from './wire.ts';

export const userRoutes: readonly Route[] = [
  { name: 'listUsers', method: 'GET', path: '/api/users', run: listUsers },
  { name: 'streamUsers', method: 'GET', path: '/api/users/stream', run: streamUsers },
  { name: 'usersByTelegramId', method: 'GET', path: '/api/users/by-telegram-id/:telegramId', run: usersByTelegramId },
  {
    name: 'userByUsername',
    method: 'GET',
    path: '/api/users/by-username/:username',
    run: ({ state, params }) => one(state, found(state.users.byUsername(params.username!), 'A063')),
  },
  {
    name: 'userByShortUuid',
    method: 'GET',
    path: '/api/users/by-short-uuid/:shortUuid',
    run: ({ state, params }) => one(state, found(state.users.byShortUuid(params.shortUuid!), 'A063')),
  },
  { name: 'userById', method: 'GET', path: '/api/users/:user', run: (call) => one(call.state, named(call, 'A063')) },
  { name: 'resolveUser', method: 'POST', path: '/api/users/resolve', run: resolveUser },
  { name: 'createUser', method: 'POST', path: '/api/users', run: createUser },
  { name: 'updateUser', method: 'PATCH', path: '/api/users', run: updateUser },
  { name: 'deleteUser', method: 'DELETE', path: '/api/users/:user', run: deleteUser },
  action('disableUser', 'disable', ({ state: { users } }, user) => users.disable(user)),
  action('enableUser', 'enable', ({ state: { users } }, user) => users.enable(user)),
  action('resetUserTraffic', 'reset-traffic', ({ state: { users } }, user) => users.resetTraffic(user)),
  action('revokeUser', 'revoke', ({ state: { users } }, user) => users.revoke(user)),
  action('extendUser', 'extend', ({ state: { users }, body }, user) => users.extend(user, Number(body.days))),
  bulk('bulkDelete', 'delete', ({ state: { generation, users } }, user) => {
    // 2.x tells nobody of those.
    users.delete(user, generation === 3);
  }),
  bulk('bulkResetTraffic', 'reset-traffic', ({ state: { users } }, user) => users.resetTraffic(user)),
  bulk('bulkUpdate', 'update', ({ state: { users }, body }, user) => {
    users.update(user, changeOf(body.fields as Record<string, unknown>));
  }),
  bulk('bulkExtend', 'extend-expiration-date', ({ state: { users }, body }, user) => {
    users.extend(user, Number(body.extendDays), false);
  }),
];

/**
 * By position, newest first unless `sorting` says otherwise. What PostgreSQL refuses is 500 A024: an unknown column, a position that is
 * negative, a fraction or too large.
 */
function listUsers({ state, query }: Call): Reply {
  const { start, size, sorting } = query as { start: number; size: number; sorting?: Sorting };
  if (![start, size].every(isPosition) || !canSortBy(sorting ?? [], state.generation === 2))
    throw new DomainError('A024');
  const total = state.users.size;
  const users = state.users.inOrder(sorting?.length ? sorting : [{ id: 'createdAt', desc: true }]);
  const page = users.slice(start, start + size).map((user) => userToWire(user, state.generation));
  return { status: 200, response: { total, users: page } };
}

/** By key, oldest first; `nextCursor` is the last id. */
function streamUsers({ state, query }: Call): Reply {
  const {
    cursor = 0,
    size,
    status,
    telegramId,
  } = query as {
    cursor?: number;
    size: number;
    status?: Status;
    telegramId?: number;
  };
  if (![size, cursor, telegramId ?? 0].every(fitsDatabase)) throw new DomainError('A024');
  const users: SandboxUser[] = [];
  for (const user of state.users.all()) {
    if (user.id <= cursor || (status !== undefined && user.status !== status)) continue;
    if (telegramId !== undefined && user.telegramId !== telegramId) continue;
    users.push(user);
    if (users.length > size) break;
  }
  const hasMore = users.length > size;
  const page = users.slice(0, size);
  const nextCursor = hasMore ? String(page.at(-1)?.id) : null;
  return {
    status: 200,
    response: { users: page.map((user) => userToWire(user, state.generation)), nextCursor, hasMore },
  };
}

/** Newest first; nobody is an empty list. What is no 64-bit number is 500 A026. */
function usersByTelegramId({ state, params }: Call): Reply {
  const wanted = params.telegramId!.trim();
  if (!/^(-?\d+)?$/.test(wanted) || BigInt.asIntN(64, BigInt(wanted)) !== BigInt(wanted)) throw new DomainError('A026');
  const users = [...state.users.all()].filter((user) => user.telegramId === Number(wanted)).reverse();
  return { status: 200, response: users.map((user) => userToWire(user, state.generation)) };
}

/** Whether PostgreSQL can keep it in a 64-bit number. */
const fitsDatabase = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 63;

const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function resolveUser({ state, body }: Call): Reply {
  const { users, generation } = state;
  const { id, uuid, username, shortUuid } = body as {
    id?: number;
    uuid?: string;
    username?: string;
    shortUuid?: string;
  };
  const user =
    (id !== undefined && users.byId(id)) ||
    (uuid !== undefined && users.byUuid(uuid)) ||
    (username !== undefined && users.byUsername(username)) ||
    (shortUuid !== undefined && users.byShortUuid(shortUuid)) ||
    undefined;
  const known = found(user, 'A025');
  const answer = { id: known.id, shortUuid: known.shortUuid, username: known.username };
  return { status: 200, response: generation === 2 ? { uuid: known.uuid, ...answer } : answer };
}

function createUser({ state, body }: Call): Reply {
  const { activeInternalSquads: squads = [], ...fields } = body;
  const {
    status = 'ACTIVE',
    createdAt,
    lastTrafficResetAt,
    ...rest
  } = fields as Partial<Record<string, string>> & { status?: Status };
  const wanted = changeOf(rest) as NewUser;
  // PostgreSQL keeps both as 64-bit numbers.
  if (![wanted.telegramId ?? 0, wanted.trafficLimitBytes ?? 0].every(fitsDatabase)) throw new DomainError('A018');
  const user = state.users.create({
    ...wanted,
    telegramId: wanted.telegramId || null,
    status,
    isInSquad: (squads as unknown[]).length > 0,
    ...(createdAt !== undefined && { createdAt: Date.parse(createdAt) }),
    ...(lastTrafficResetAt !== undefined && { lastTrafficResetAt: Date.parse(lastTrafficResetAt) }),
  });
  return { ...one(state, user), status: 201 };
}

function updateUser({ state, body }: Call): Reply {
  const { id, uuid, username, activeInternalSquads: _squads, ...fields } = body;
  const { users } = state;
  const key = state.generation === 2 ? uuid : id;
  const named = state.generation === 2 ? users.byUuid(String(uuid)) : users.byId(Number(id));
  const user = found(key === undefined ? users.byUsername(String(username)) : named, 'A025');
  users.update(user, changeOf(fields));
  return one(state, user);
}

function deleteUser(call: Call): Reply {
  call.state.users.delete(named(call, 'A025'));
  return call.state.generation === 2 ? { status: 200, response: { isDeleted: true } } : { status: 204 };
}

function action(name: Route['name'], path: string, act: (call: Call, user: SandboxUser) => void): Route {
  const run = (call: Call): Reply => {
    const user = named(call, 'A025');
    act(call, user);
    return one(call.state, user);
  };
  return { name, method: 'POST', path: `/api/users/:user/actions/${path}`, run };
}

/**
 * Unknown ids are ignored. Both generations delete and extend before they answer, and queue the others. 3.x answers 204 for what is done and
 * 202 for what is queued; 2.x counts who was found, and of what it queues all that were named.
 */
function bulk(name: Route['name'], path: string, act: (call: Call, user: SandboxUser) => void): Route {
  const run = (call: Call): Reply => {
    const { state, body } = call;
    const { users, generation } = state;
    const fields = body.fields as { status?: string } | undefined;
    if (fields?.status === 'EXPIRED' || fields?.status === 'LIMITED') throw new DomainError('A089');
    const ids = (generation === 2 ? body.uuids : body.userIds) as (string | number)[];
    const known = ids.flatMap((id) => (generation === 2 ? users.byUuid(String(id)) : users.byId(Number(id))) ?? []);
    const doAll = (): void => {
      for (const user of known) act(call, user);
    };
    const atOnce = name === 'bulkDelete' || name === 'bulkExtend';
    if (atOnce) doAll();
    else state.bulk(doAll);
    if (generation === 2) return { status: 200, response: { affectedRows: atOnce ? known.length : ids.length } };
    return { status: atOnce ? 204 : 202 };
  };
  return { name, method: 'POST', path: `/api/users/bulk/${path}`, run };
}

function named({ state, params }: Call, missing: 'A025' | 'A063'): SandboxUser {
  const { users, generation } = state;
  const key = params.user!;
  if (generation === 2) return found(users.byUuid(key), missing);
  const id = Number(key);
  if (!Number.isInteger(id)) throw new InternalError();
  if (!fitsDatabase(id)) throw new DomainError('A026');
  return found(users.byId(id), missing);
}

function found(user: SandboxUser | undefined, missing: 'A025' | 'A063'): SandboxUser {
  if (!user) throw new DomainError(missing);
  return user;
}

const one = (state: PanelState, user: SandboxUser): Reply => {
  return { status: 200, response: userToWire(user, state.generation) };
};

function changeOf({ expireAt, ...fields }: Record<string, unknown>): UserChange {
  return { ...(fields as UserChange), ...(expireAt !== undefined && { expireAt: Date.parse(String(expireAt)) }) };
}

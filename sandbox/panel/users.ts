import { DomainError, type SandboxUser, type Status } from './model.ts';
import { comparing, type Sorting } from './order.ts';
import { shortUuidOf, uuidOf } from './wire.ts';

export type NewUser = Partial<Omit<SandboxUser, 'id' | 'revocations'>> & { username: string; expireAt: number };

/** The fields that PATCH and bulk/update may set. */
export type UserChange = Partial<
  Pick<
    SandboxUser,
    'expireAt' | 'trafficLimitBytes' | 'trafficLimitStrategy' | 'telegramId' | 'email' | 'tag' | 'description'
  >
> & { status?: 'ACTIVE' | 'DISABLED' };

export type UserEvent =
  | 'created'
  | 'modified'
  | 'deleted'
  | 'revoked'
  | 'disabled'
  | 'enabled'
  | 'limited'
  | 'expired'
  | 'traffic_reset'
  | 'first_connected';

/** The users of the panel and the effects of its calls. Calls `onEvent` for every change. */
export class SandboxUsers {
  readonly #byId = new Map<number, SandboxUser>();
  readonly #idByUsername = new Map<string, number>();
  /** Only keys that differ from those derived from the id. */
  readonly #idByOther = new Map<string, number>();
  readonly #now: () => number;
  readonly #onEvent: (event: UserEvent, user: SandboxUser) => void;
  #lastId = 0;
  /** The last ordered listing, kept until a user is added or removed, so that not every page of 100,000 users sorts them again. */
  #ordered: { by: string; users: SandboxUser[] } | undefined;

  constructor(now: () => number, onEvent: (event: UserEvent, user: SandboxUser) => void) {
    this.#now = now;
    this.#onEvent = onEvent;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** In ascending order of id. */
  all(): MapIterator<SandboxUser> {
    return this.#byId.values();
  }

  inOrder(sorting: Sorting): readonly SandboxUser[] {
    const by = JSON.stringify(sorting);
    if (this.#ordered?.by !== by) this.#ordered = { by, users: [...this.#byId.values()].sort(comparing(sorting)) };
    return this.#ordered.users;
  }

  byId(id: number): SandboxUser | undefined {
    return this.#byId.get(id);
  }

  byUuid(uuid: string): SandboxUser | undefined {
    const id = this.#idByOther.get(uuid) ?? Number.parseInt(uuid.slice(-12), 16);
    const user = this.#byId.get(id);
    return user?.uuid === uuid ? user : undefined;
  }

  byUsername(username: string): SandboxUser | undefined {
    return this.#byId.get(this.#idByUsername.get(username) ?? 0);
  }

  byShortUuid(shortUuid: string): SandboxUser | undefined {
    const user = this.#byId.get(this.#idByOther.get(shortUuid) ?? Number.parseInt(shortUuid.slice(1), 36));
    return user?.shortUuid === shortUuid ? user : undefined;
  }

  /** All of them as they are now. */
  copies(): SandboxUser[] {
    return [...this.#byId.values()].map((user) => ({ ...user }));
  }

  /** These and no others. Numbers that were given meanwhile are given again, as by a database that is put back. */
  replace(users: readonly SandboxUser[]): void {
    this.#byId.clear();
    this.#idByUsername.clear();
    this.#idByOther.clear();
    this.#ordered = undefined;
    this.#lastId = 0;
    for (const user of users) this.#keep({ ...user });
  }

  /** `quiet` sends no event, for seeding. */
  create(input: NewUser, quiet = false): SandboxUser {
    if (this.#idByUsername.has(input.username)) throw new DomainError('A019');
    const id = ++this.#lastId;
    const now = this.#now();
    const user: SandboxUser = {
      uuid: uuidOf(id),
      shortUuid: shortUuidOf(id),
      status: 'ACTIVE',
      createdAt: now,
      updatedAt: now,
      telegramId: null,
      email: null,
      tag: null,
      description: null,
      isInSquad: true,
      trafficLimitBytes: 0,
      trafficLimitStrategy: 'NO_RESET',
      usedTrafficBytes: 0,
      lifetimeUsedTrafficBytes: input.usedTrafficBytes ?? 0,
      onlineAt: null,
      lastConnectedNodeUuid: null,
      lastTrafficResetAt: null,
      subRevokedAt: null,
      revocations: 0,
      ...input,
      id,
    };
    this.#keep(user);
    if (!quiet) this.#onEvent('created', user);
    return user;
  }

  /** Disables a user of any status but DISABLED; a second call is A029. */
  disable(user: SandboxUser): void {
    if (user.status === 'DISABLED') throw new DomainError('A029');
    this.#become(user, 'DISABLED', 'disabled');
  }

  /** Ignores the expiry: the panel's next run marks an expired user again. */
  enable(user: SandboxUser): void {
    if (user.status === 'ACTIVE') throw new DomainError('A030');
    this.#become(user, 'ACTIVE', 'enabled');
  }

  resetTraffic(user: SandboxUser): void {
    user.usedTrafficBytes = 0;
    user.lastTrafficResetAt = this.#now();
    const wasLimited = user.status === 'LIMITED';
    this.#become(user, wasLimited ? 'ACTIVE' : user.status, 'traffic_reset');
    if (wasLimited) this.#onEvent('enabled', user);
  }

  /** Bytes as they are counted for the user. Nothing of what the panel calls a modification. */
  use(user: SandboxUser, bytes: number, nodeUuid: string): void {
    const isFirst = user.onlineAt === null;
    user.usedTrafficBytes += bytes;
    user.lifetimeUsedTrafficBytes += bytes;
    Object.assign(user, { onlineAt: this.#now(), lastConnectedNodeUuid: nodeUuid });
    if (isFirst) this.#onEvent('first_connected', user);
  }

  limit(user: SandboxUser): void {
    this.#become(user, 'LIMITED', 'limited');
  }

  expire(user: SandboxUser): void {
    this.#become(user, 'EXPIRED', 'expired');
  }

  /**
   * A future date revives EXPIRED, more traffic revives LIMITED; status DISABLED is ignored unless the user is ACTIVE, as
   * seen on 3.3.2.
   */
  update(user: SandboxUser, { status, ...fields }: UserChange): void {
    const { expireAt, trafficLimitBytes } = fields;
    let next: Status =
      status === 'ACTIVE' || (status === 'DISABLED' && user.status === 'ACTIVE') ? status : user.status;
    if (trafficLimitBytes !== undefined && user.status === 'LIMITED') {
      if (trafficLimitBytes === 0 || trafficLimitBytes > user.trafficLimitBytes) next = 'ACTIVE';
    }
    if (user.status === 'EXPIRED' && status === undefined && expireAt !== undefined && expireAt !== user.expireAt) {
      if (expireAt > this.#now()) next = 'ACTIVE';
    }
    Object.assign(user, fields);
    this.#become(user, next, 'modified');
  }

  /** Adds days, rounded, to the later of now and the expiry. Not idempotent. */
  extend(user: SandboxUser, days: number, event = true): void {
    user.expireAt = Math.max(this.#now(), user.expireAt) + Math.round(days) * 86_400_000;
    const next = user.status === 'EXPIRED' ? 'ACTIVE' : user.status;
    this.#become(user, next, event ? 'modified' : undefined);
  }

  revoke(user: SandboxUser): void {
    user.revocations += 1;
    user.subRevokedAt = this.#now();
    user.shortUuid = `r${user.revocations}${shortUuidOf(user.id)}`;
    this.#idByOther.set(user.shortUuid, user.id);
    this.#become(user, user.status, 'revoked');
  }

  delete(user: SandboxUser, isTold = true): void {
    this.#byId.delete(user.id);
    this.#ordered = undefined;
    this.#idByUsername.delete(user.username);
    if (isTold) this.#onEvent('deleted', user);
  }

  #keep(user: SandboxUser): void {
    const { id, shortUuid, username, uuid } = user;
    this.#lastId = Math.max(this.#lastId, id);
    this.#byId.set(id, user);
    this.#ordered = undefined;
    this.#idByUsername.set(username, id);
    if (uuid !== uuidOf(id)) this.#idByOther.set(uuid, id);
    if (shortUuid !== shortUuidOf(id)) this.#idByOther.set(shortUuid, id);
  }

  #become(user: SandboxUser, status: Status, event: UserEvent | undefined): void {
    user.status = status;
    user.updatedAt = this.#now();
    if (this.#ordered?.by.includes('expireAt')) this.#ordered = undefined;
    if (event) this.#onEvent(event, user);
  }
}

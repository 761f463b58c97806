import type { Listing } from '../../lib/read-each.ts';
import type {
  ActionResult,
  PanelBandwidth,
  PanelConfigProfile,
  PanelHealth,
  PanelHost,
  PanelInbound,
  PanelNode,
  PanelNodeMetrics,
  PanelStats,
  PanelStatsBandwidth,
  PanelUser,
  PanelUserId,
  PanelVersion,
  UserFields,
  UserFilter,
  UserListing,
} from './types.ts';

/**
 * Users of the Remnawave panel. Expected outcomes are values: a user that is not there is `undefined` or `not_found`,
 * a state it already had is `already`. An id that this generation of panel cannot have (a uuid on 3.x) is not found when it is read; to act
 * on it is a `PermanentError` `remnawave_foreign_id`, because it is evidence of nothing.
 * Rejects with `TransientError` where a later attempt may succeed, `PermanentError` where the panel refused permanently. An act on one user
 * whose answer is lost is looked at: it is `done` where the user shows it, and rejects only where that cannot be seen.
 */
export type PanelUsers = {
  /**
   * All users, page by page at constant memory. Users that are created or removed meanwhile may or may not appear; every
   * other one appears exactly once, or is one of the listing's `holes`. An error ends the iteration: what came before it is not the whole
   * list.
   */
  users(filter: UserFilter, signal: AbortSignal): UserListing;
  /** Rejects with `TransientError` `remnawave_schema` where this user is there and cannot be read; so do the next three. */
  user(id: PanelUserId, signal: AbortSignal): Promise<PanelUser | undefined>;
  /**
   * Reads a user that was read before. The name is what a user keeps through an upgrade of the panel: who has this id and another name is
   * somebody else, and an id of another generation is not asked for.
   */
  again(known: Pick<PanelUser, 'id' | 'username'>, signal: AbortSignal): Promise<PanelUser | undefined>;
  /** False for an id of another generation of panel. What the panel answers about it says nothing of the user whom it named. */
  canHave(id: PanelUserId, signal: AbortSignal): Promise<boolean>;
  usersByTelegramId(telegramId: number, signal: AbortSignal): Promise<Listing<PanelUser>>;
  userByUsername(username: string, signal: AbortSignal): Promise<PanelUser | undefined>;
  userByShortUuid(shortUuid: string, signal: AbortSignal): Promise<PanelUser | undefined>;

  /** `onUser` gets the user as the panel answers with it, where that is done and can be read. */
  disable(id: PanelUserId, signal: AbortSignal, onUser?: (after: PanelUser) => void): Promise<ActionResult>;
  /** Does not look at the expiry: an expired user would be ACTIVE until the panel's next look. Use `extendTo` to revive. */
  enable(id: PanelUserId, signal: AbortSignal): Promise<ActionResult>;
  /** A LIMITED user becomes ACTIVE. Reads the user first, because only a change of the last reset shows that a lost answer was one. */
  resetTraffic(id: PanelUserId, signal: AbortSignal): Promise<ActionResult>;
  delete(id: PanelUserId, signal: AbortSignal): Promise<ActionResult>;
  /**
   * Sets exactly this expiry, which must lie in the future, and makes the user ACTIVE: EXPIRED revives by the date,
   * DISABLED is enabled after the date is set, LIMITED gets its traffic reset, as nothing else would last.
   * May run twice. Answers the user as read afterwards; `undefined` = no such user.
   */
  extendTo(id: PanelUserId, expireAt: Date, signal: AbortSignal): Promise<PanelUser | undefined>;

  /**
   * Bulk calls say nothing about the single user and ignore unknown ids: read again to confirm, and also after an error for which
   * `isAnswerLost`. Answer how many ids were sent.
   */
  bulkResetTraffic(ids: readonly PanelUserId[], signal: AbortSignal): Promise<number>;
  bulkDelete(ids: readonly PanelUserId[], signal: AbortSignal): Promise<number>;
  bulkUpdate(ids: readonly PanelUserId[], fields: UserFields, signal: AbortSignal): Promise<number>;
};

/**
 * What the panel says about itself and its nodes; the same in both generations. Lists say what was left out of them because it cannot be
 * read: it is there, and its state is unknown.
 */
export type PanelSystem = {
  /** How many users there are, asked apart from the listing so that one can be checked against the other. */
  countUsers(signal: AbortSignal): Promise<{ total: number }>;
  nodes(signal: AbortSignal): Promise<Listing<PanelNode>>;
  nodeMetrics(signal: AbortSignal): Promise<Listing<PanelNodeMetrics>>;
  /** Days as `YYYY-MM-DD`, both included. */
  bandwidth(startDay: string, endDay: string, signal: AbortSignal): Promise<PanelBandwidth>;
  stats(signal: AbortSignal): Promise<PanelStats>;
  statsBandwidth(signal: AbortSignal): Promise<PanelStatsBandwidth>;
  health(signal: AbortSignal): Promise<PanelHealth>;
  hosts(signal: AbortSignal): Promise<Listing<PanelHost>>;
  configProfiles(signal: AbortSignal): Promise<Listing<PanelConfigProfile>>;
  inbounds(signal: AbortSignal): Promise<Listing<PanelInbound>>;
};

/** The Remnawave panel as tasks see it, of either generation. `connectPanel` makes one. */
export type Panel = PanelUsers &
  PanelSystem & {
    version(signal: AbortSignal): Promise<PanelVersion>;
    /**
     * The scopes that the API token lacks for what the worker does: `users:read`. Tokens of panels 2.x have no scopes, so none is missing.
     */
    missingScopes(signal: AbortSignal): Promise<readonly string[]>;
  };

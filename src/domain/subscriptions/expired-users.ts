import { randomUUID } from 'node:crypto';
import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { minutes } from '../../lib/duration.ts';
import { errorCode } from '../../lib/errors.ts';
import type { Receipt } from '../../lib/receipt.ts';
import type { AuditLogs } from '../../repositories/audit-logs.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { Events } from '../../repositories/redis/events.ts';
import type { Disabling, Disablings } from '../../repositories/redis/subscriptions/disablings.ts';
import { isJustOver } from './brackets.ts';
import type { Notice, SubscriptionNotices } from './notices.ts';
import { userLine } from './user-line.ts';

export type DisablingOptions = {
  panel: Pick<Panel, 'again' | 'canHave' | 'disable' | 'user'>;
  auditLogs: Pick<AuditLogs, 'write'>;
  backendKeys: BackendKeys;
  events: Pick<Events, 'publish'>;
  intents: Disablings;
  notices: SubscriptionNotices;
};

/** A user whom a run disabled that was killed before it wrote that down. */
export type Begun = { user: PanelUser; intent: Disabling };

/** The run that turns users off. */
export type TurningOff = { readonly now: Date; readonly signal: AbortSignal; readonly receipt: Receipt };

/** What became of one user. `left`: extended or changed by somebody meanwhile. `gone`: no longer at the panel. */
export type TurnedOff = { outcome: 'disabled' | 'left' | 'gone'; told: number };

/** The action as the audit trail names it. */
export const DISABLED_ACTION = 'subscription.disabled';

/**
 * The panel's watchdog marks users whose time is over as EXPIRED every 30 s. A user who is still ACTIVE after twice that shows that it is late
 * or off; disabling sooner would only race it, and a DISABLED user does not come back by an extension as an EXPIRED one does.
 */
const WATCHDOG_MS = minutes(1);

/** Whether the panel has missed that this user's time is up. */
export function isOverdue({ expireAt, status }: PanelUser, now: Date): boolean {
  return (status === 'ACTIVE' || status === 'LIMITED') && now.getTime() - expireAt.getTime() >= WATCHDOG_MS;
}

/** Disables users whose time is up, one by one, so that a failure concerns one user only. */
export class ExpiredUsers {
  readonly #options: DisablingOptions;

  constructor(options: DisablingOptions) {
    this.#options = options;
  }

  /**
   * Disables one user after a fresh look, writes it down and tells them. Safe to repeat and to run twice at once: the intent is recorded
   * before the panel is asked, and everything after it has an id that follows from the intent.
   */
  async disable(listed: PanelUser, run: TurningOff): Promise<TurnedOff> {
    const { now, signal } = run;
    const { intents, panel } = this.#options;
    const user = await panel.again(listed, signal);
    if (!user) return { outcome: 'gone', told: 0 };
    if (!isOverdue(user, now)) return { outcome: 'left', told: 0 };
    const { id, expireAt, status, username } = user;
    const { intent, isNew } = await intents.begin(username, {
      auditId: randomUUID(),
      expireAt,
      status,
      user: { id, username },
    });
    const result = await panel.disable(id, signal);
    // Disabled by somebody between our look and our call, and not by a run of ours that was cut off: theirs to write down.
    const isTheirs = result === 'already' && isNew;
    if (result === 'not_found' || isTheirs) {
      await intents.end(username);
      return { outcome: isTheirs ? 'left' : 'gone', told: 0 };
    }
    return { outcome: 'disabled', told: await this.#settle(user, intent, run) };
  }

  /**
   * Users whom a killed run disabled without writing it down: the panel's answer did not arrive, or came too late. A user who cannot be read
   * is left to a later run.
   */
  async begun(signal: AbortSignal): Promise<Begun[]> {
    const found = await this.#begun(signal);
    return found.flatMap(({ begun }) => begun ?? []);
  }

  /** Settles what killed runs began, and forgets intents that nothing came of. */
  async finish(run: TurningOff): Promise<TurnedOff[]> {
    const settled: TurnedOff[] = [];
    for (const { begun, name } of await this.#begun(run.signal)) {
      if (!begun) await this.#options.intents.end(name);
      else settled.push({ outcome: 'disabled', told: await this.#settle(begun.user, begun.intent, run) });
    }
    return settled;
  }

  /** The notices that go with disabling these users: to those whose time ended not long ago, and who were not told yet. */
  async noticesTo(users: readonly PanelUser[], now: Date, signal: AbortSignal): Promise<readonly Notice[]> {
    const due = users.filter((user) => isJustOver(user, now)).map((user) => ({ user, kind: 'expired' as const }));
    return (await this.#options.notices.plan(due, now, signal)).notices;
  }

  /** Without `begun`, nothing came of the intent. */
  async #begun(signal: AbortSignal): Promise<{ name: string; begun?: Begun }[]> {
    const found: { name: string; begun?: Begun }[] = [];
    for (const [name, intent] of await this.#options.intents.left()) {
      const user = await this.#readable(name, intent, signal);
      if (user === 'unknown') continue;
      const isSamePeriod = user?.expireAt.getTime() === intent.expireAt.getTime();
      // Still on: the run that follows finds and disables this user under the same intent.
      if (user && isSamePeriod && user.status !== 'DISABLED' && user.status !== 'EXPIRED') continue;
      const isOurs = user && isSamePeriod && user.status === 'DISABLED';
      found.push({ name, ...(isOurs && { begun: { user, intent } }) });
    }
    return found;
  }

  /** The user of an intent, who may have another id since. Without the user, `name` is an id, as an earlier version kept it. */
  async #readable(name: string, { user }: Disabling, signal: AbortSignal): Promise<PanelUser | 'unknown' | undefined> {
    const { panel } = this.#options;
    try {
      if (user) return await panel.again(user, signal);
      return (await panel.canHave(name, signal)) ? await panel.user(name, signal) : 'unknown';
    } catch (error) {
      if (errorCode(error) === 'remnawave_schema') return 'unknown';
      throw error;
    }
  }

  async #settle(user: PanelUser, intent: Disabling, { now, receipt, signal }: TurningOff): Promise<number> {
    const { auditLogs, backendKeys, events, intents, notices } = this.#options;
    const expireAt = user.expireAt.toISOString();
    await auditLogs.write([
      {
        id: intent.auditId,
        action: DISABLED_ACTION,
        entityType: 'subscription',
        entityId: user.id,
        oldValue: { status: intent.status, expire_at: expireAt },
        newValue: { status: 'DISABLED', reason: 'expired', username: user.username },
      },
    ]);
    await backendKeys.forgetSubscription(user.id);
    const due = await this.noticesTo([user], now, signal);
    await receipt.done([
      {
        act: intent.auditId,
        ...userLine(due.length > 0 ? 'disable_and_tell' : 'disable', user, user.expireAt),
        was: { status: intent.status, expire_at: expireAt },
      },
    ]);
    const told = await notices.queue(due, now, signal);
    await Promise.all([intents.end(user.username), intents.end(user.id)]);
    await events.publish('subscription.disabled', {
      user_uuid: user.id,
      username: user.username,
      expire_at: expireAt,
      previous_status: intent.status,
      timestamp: now.toISOString(),
    });
    return told;
  }
}

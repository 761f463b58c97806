import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { forEachAtMost } from '../../lib/async-iteration.ts';
import { errorCode } from '../../lib/errors.ts';
import type { BackendKeys } from '../../repositories/redis/backend-keys.ts';
import type { AskedLook, PanelLooks, WaitingLook } from '../../repositories/redis/subscriptions/panel-looks.ts';
import { MASS_FROM_USERS, type MassEffectBrake } from '../brakes/mass-effects.ts';
import { dueAfterTheEnd, dueWhileRunning } from './due-notices.ts';
import type { ExplainedTasks } from './explain-sentences.ts';
import type { Candidate, SubscriptionNotices } from './notices.ts';

export type CustomerLooksOptions = {
  backendKeys: Pick<BackendKeys, 'forgetSubscription'>;
  brake: Pick<MassEffectBrake, 'list'>;
  notices: Pick<SubscriptionNotices, 'plan' | 'queue'>;
  panel: Pick<Panel, 'userByUsername'>;
  store: PanelLooks;
  /** The sweeps that tell the same, with the brake on mass effects. */
  tasks(): Promise<ExplainedTasks>;
  tasksOff: ReadonlySet<string>;
};

/** `left`: users whom the sweeps look at, because there were too many, or who cannot be read. */
export type LookRound = {
  counts: { looked: number; gone: number; told: number; left: number };
  /** Some still wait. */
  isMore: boolean;
};

/** Users looked at in one round. More at once are a matter of the sweeps: one listing of the panel costs less than so many questions. */
const AT_ONCE = 50;
/** The panel's own limit holds over all workers (REMNAWAVE_CONCURRENCY). */
const QUESTIONS_AT_ONCE = 8;
/** Users whose caches are dropped together. */
const GROUP = 500;
/** Fewer are never a mass effect. What more of them are due is told by the sweeps, which the brake holds. */
const NOTICES_AN_HOUR = MASS_FROM_USERS - 1;

/**
 * Looks at the customers whom events of the panel named, each once however many events there were: their caches are dropped, and they are
 * told what the panel shows to be due. An event only says where to look, so a forged order, a doubled or an old one changes nothing, and a
 * lost one is made good by the sweeps, which tell the same under the same ids.
 */
export class CustomerLooks {
  readonly #options: CustomerLooksOptions;

  constructor(options: CustomerLooksOptions) {
    this.#options = options;
  }

  /** Asks for a look; `token` is new with each event. False where so many wait that this one is left to the sweeps. */
  ask(look: AskedLook, token: string): Promise<boolean> {
    return this.#options.store.ask({ ...look, token });
  }

  /**
   * Looks at those that wait. A user about whom an event comes meanwhile waits again. Rejects where the panel, Redis or PostgreSQL does not
   * answer: then all of them still wait.
   */
  async round(now: Date, signal: AbortSignal): Promise<LookRound> {
    const { store } = this.#options;
    if ((await store.count()) > AT_ONCE) return { counts: await this.#leaveToSweeps(signal), isMore: false };
    const looks = await store.some(AT_ONCE);
    const { found, gone, left } = await this.#find(looks, signal);
    const { deferred, told } = await this.#tell(found, now, signal);
    await store.done(looks);
    const counts = { looked: looks.length - left, gone, told, left: left + deferred };
    return { counts, isMore: (await store.count()) > 0 };
  }

  /** Nobody is asked for by name. Their caches are dropped anyway, which costs no question. */
  async #leaveToSweeps(signal: AbortSignal): Promise<LookRound['counts']> {
    const { store } = this.#options;
    let left = 0;
    while ((await store.count()) > 0) {
      signal.throwIfAborted();
      const looks = await store.some(GROUP);
      await Promise.all(looks.map(({ ids }) => this.#forget(ids)));
      await store.done(looks);
      left += looks.length;
    }
    return { looked: 0, gone: 0, told: 0, left };
  }

  async #find(
    looks: readonly WaitingLook[],
    signal: AbortSignal,
  ): Promise<{ found: PanelUser[]; gone: number; left: number }> {
    const found: PanelUser[] = [];
    let gone = 0;
    let left = 0;
    await forEachAtMost(looks, QUESTIONS_AT_ONCE, async ({ ids, username }) => {
      const user = await this.#user(username, signal);
      await this.#forget(typeof user === 'object' ? [...ids, user.id] : ids);
      if (typeof user === 'object') found.push(user);
      else if (user === 'gone') gone += 1;
      else left += 1;
    });
    return { found, gone, left };
  }

  async #user(username: string, signal: AbortSignal): Promise<PanelUser | 'gone' | 'unreadable'> {
    try {
      return (await this.#options.panel.userByUsername(username, signal)) ?? 'gone';
    } catch (error) {
      if (errorCode(error) === 'remnawave_schema') return 'unreadable';
      throw error;
    }
  }

  async #forget(ids: readonly string[]): Promise<void> {
    await Promise.all([...new Set(ids)].map((id) => this.#options.backendKeys.forgetSubscription(id)));
  }

  /** Tells what is due, as the sweeps would. Where one of these is held or switched off, so is its part here. */
  async #tell(
    users: readonly PanelUser[],
    now: Date,
    signal: AbortSignal,
  ): Promise<{ told: number; deferred: number }> {
    const { brake, notices, store, tasksOff } = this.#options;
    const running = dueWhileRunning(users, now);
    const ended = dueAfterTheEnd(users, now);
    if (running.length + ended.length === 0) return { told: 0, deferred: 0 };
    const tasks = await this.#options.tasks();
    const held = new Set((await brake.list()).map(({ name }) => name));
    const free = (candidates: readonly Candidate[], { name }: { name: string }): readonly Candidate[] =>
      held.has(name) || tasksOff.has(name) ? [] : candidates;
    const due = [...free(running, tasks.reminding), ...free(ended, tasks.disabling)];
    const plan = await notices.plan(due, now, signal);
    const granted = await store.grant(plan.notices.length, NOTICES_AN_HOUR, now);
    const told = await notices.queue(plan.notices.slice(0, granted), now, signal);
    return { told, deferred: plan.notices.length - granted };
  }
}

import type { DefinedTask } from '../../lib/defined-task.ts';
import { days } from '../../lib/duration.ts';
import { effectHeld } from '../../messages/brake.ts';
import type { BrakeRecords, Hold } from '../../repositories/redis/brakes/brake-records.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';

/** What a scheduled run has counted before it does anything. */
export type MassEffect = {
  /** The brake has the name of this task. */
  task: DefinedTask;
  /** Users that the run would change or write to. */
  wouldTouch: number;
  /** Users in the listing that the run goes by. */
  listed: number;
  /** Users there are by the panel's own count, asked apart from the listing. */
  counted: number;
  now: Date;
};

/** `atMost`: how many users may be touched now, in case a later look at the panel finds more than were counted. */
export type BrakeVerdict = { go: true; atMost: number } | { go: false };

/** A run that is held, under the name of its brake. */
export type HeldEffect = Hold & { name: string };

export type BrakeOptions = {
  records: BrakeRecords;
  alerts: AdminAlerts;
  /** SAFETY_MAX_SHARE, between 0 and 1. */
  maxShare: number;
  /** Has the task look again now. */
  rerun(task: string): Promise<void>;
};

/** Fewer than this many users are never a mass effect (product.md, 14). */
const MASS_FROM_USERS = 50;
/** A listing may be this many users short before its share counts: in a small installation a few deleted users are many per cent. */
const SHORT_BY_USERS = 10;
/** An admin's word holds for this long, and for this much more than was told: users go on expiring meanwhile. */
const APPROVAL_MS = days(1);
const APPROVAL_SLACK = 1.1;
const APPROVAL_SLACK_USERS = 10;
/** What nobody has decided is told again after this. */
const TELL_AGAIN_MS = days(1);

/**
 * The brake on mass effects (product.md, 14). A scheduled run counts in a first pass over the users and asks here before the second
 * pass acts; nothing is kept in between, so memory does not grow with the users. Too many at once, or a listing that is empty or far
 * shorter than the last one or than the panel's own count, and the run does not act until an admin confirms what was told. Where
 * Redis has lost a hold, the next run finds the same reason and holds again.
 */
export class MassEffectBrake {
  readonly #options: BrakeOptions;

  constructor(options: BrakeOptions) {
    this.#options = options;
  }

  /** Decides over one run and remembers the listing when it is trusted. Tells the admins once when a hold begins, then once a day. */
  async check(effect: MassEffect): Promise<BrakeVerdict> {
    const { records, maxShare } = this.#options;
    const { listed, now } = effect;
    const { name } = effect.task;
    const expected = Math.max((await records.listed()) ?? 0, effect.counted);
    const unbraked = Math.max(MASS_FROM_USERS - 1, Math.floor(maxShare * listed));
    const reason = this.#reason(effect, expected, unbraked);
    if (!reason) {
      await Promise.all([records.release(name), records.rememberListed(listed)]);
      return { go: true, atMost: unbraked };
    }
    const hold = await records.find(name);
    if (hold && isApproved(hold, now) && covers(hold, effect)) {
      await records.rememberListed(listed);
      return { go: true, atMost: Math.max(unbraked, approvedUsers(hold)) };
    }
    await this.#hold(effect, { reason, expected, hold });
    return { go: false };
  }

  /** What is held and not confirmed. */
  async list(): Promise<HeldEffect[]> {
    const all = [...(await this.#options.records.all())].map(([name, hold]) => ({ name, ...hold }));
    return all.filter((held) => !held.approvedAt);
  }

  /** Lets the held run act, within the counts that were told, and has it run now. Undefined where nothing is held by that name. */
  async confirm(name: string, now: Date): Promise<HeldEffect | undefined> {
    const { records, rerun } = this.#options;
    const hold = await records.find(name);
    if (!hold) return undefined;
    await records.replace(name, { ...hold, approvedAt: now });
    await rerun(name);
    return { name, ...hold };
  }

  #reason({ listed, wouldTouch }: MassEffect, expected: number, unbraked: number): Hold['reason'] | undefined {
    const missing = expected - listed;
    const isEmpty = listed === 0 && expected > 0;
    if (isEmpty || (missing >= SHORT_BY_USERS && missing > this.#options.maxShare * expected)) return 'listing';
    return wouldTouch > unbraked ? 'share' : undefined;
  }

  async #hold(
    effect: MassEffect,
    { reason, expected, hold }: { reason: Hold['reason']; expected: number; hold: Hold | undefined },
  ): Promise<void> {
    const { records } = this.#options;
    const { listed, now, wouldTouch } = effect;
    const { name } = effect.task;
    // An approval that does not cover this, or is over, is as good as none: what would happen now must be told first.
    const isTold = hold && !hold.approvedAt && now.getTime() - hold.toldAt.getTime() < TELL_AGAIN_MS;
    if (isTold) return;
    const since = hold && !hold.approvedAt ? hold.since : now;
    const fresh: Hold = { reason, wouldTouch, listed, expected, since, toldAt: now };
    if (hold) await records.replace(name, fresh);
    else if (!(await records.begin(name, fresh))) return;
    await this.#options.alerts.raise({
      kind: `brake_${name}`,
      severity: 'warning',
      message: (locale) => effectHeld({ name, reason, wouldTouch, listed, expected }, locale),
    });
  }
}

const isApproved = ({ approvedAt }: Hold, now: Date): boolean =>
  approvedAt !== undefined && now.getTime() - approvedAt.getTime() < APPROVAL_MS;

const approvedUsers = (hold: Hold): number => Math.ceil(hold.wouldTouch * APPROVAL_SLACK) + APPROVAL_SLACK_USERS;

/** Whether what was told describes what would happen now. */
function covers(hold: Hold, { listed, wouldTouch }: MassEffect): boolean {
  const isListed = listed >= hold.listed / APPROVAL_SLACK - APPROVAL_SLACK_USERS;
  return isListed && wouldTouch <= approvedUsers(hold);
}

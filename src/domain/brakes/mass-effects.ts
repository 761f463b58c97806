import type { DefinedTask } from '../../lib/defined-task.ts';
import { days, minutes } from '../../lib/duration.ts';
import { effectHeld } from '../../messages/brake.ts';
import type { BrakeRecords, Hold } from '../../repositories/redis/brakes/brake-records.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';

/** The counts of a scheduled run before it does anything. */
export type MassEffect = {
  /** The task of the run, which gives the brake its name. */
  task: DefinedTask;
  /** Users that the run would change or write to. */
  wouldTouch: number;
  /** Users in the listing that the run uses. */
  listed: number;
  /** Users by the panel's own count, which is asked for separately. */
  counted: number;
  now: Date;
};

/** `atMost` limits how many users may be touched now, because a later look at the panel may find more than were counted. */
export type BrakeVerdict = { go: true; atMost: number } | { go: false };

/** A held run, under the name of its brake. */
export type HeldEffect = Hold & { name: string };

export type BrakeOptions = {
  records: BrakeRecords;
  alerts: AdminAlerts;
  /** SAFETY_MAX_SHARE, between 0 and 1. */
  maxShare: number;
  /** Runs the task again now. */
  rerun(task: string): Promise<void>;
};

/** Fewer than this many users are never a mass effect. */
export const MASS_FROM_USERS = 50;
/** A listing may be this many users short before its share counts: in a small installation a few deleted users are many per cent. */
const SHORT_BY_USERS = 10;
/** An approval holds for this long, and for this many more users than the admins were told: users go on expiring meanwhile. */
const APPROVAL_MS = days(1);
const APPROVAL_SLACK = 1.1;
const APPROVAL_SLACK_USERS = 10;
/** The admins are told again of a hold that nobody has decided after this time. */
const TELL_AGAIN_MS = days(1);
/** A telling that is not done after this was never done. */
const TELLING_MS = minutes(5);

/**
 * The brake on mass effects: a change of too many users at once waits for an admin. A scheduled run counts in a first pass over the users
 * and asks here before the second pass acts. Nothing is kept between the passes, so memory does not grow with the users. The run is held if
 * it would touch too many users, or if its listing is empty or far shorter than the last one or than the panel's own count. It acts once an
 * admin confirms the counts that were told. Where Redis has lost a hold, the next run finds the same reason and holds again.
 */
export class MassEffectBrake {
  readonly #options: BrakeOptions;

  constructor(options: BrakeOptions) {
    this.#options = options;
  }

  /** Decides on one run and remembers the listing when it is trusted. Tells the admins once when a hold begins, then once a day. */
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

  /** The holds that nobody has confirmed. */
  async list(): Promise<HeldEffect[]> {
    const all = [...(await this.#options.records.all())].map(([name, hold]) => ({ name, ...hold }));
    return all.filter((held) => !held.approvedAt);
  }

  /** Lets the held run act within the counts that were told, and runs it now. Undefined where nothing is held under that name. */
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
    // An approval that has expired or does not cover these counts has no effect: the admins must be told what would happen now first.
    const wasTold = hold && !hold.approvedAt && now.getTime() - hold.toldAt.getTime() < TELL_AGAIN_MS;
    if (wasTold) return;
    const since = hold && !hold.approvedAt ? hold.since : now;
    // Not told yet: a run that is killed in between leaves the telling to a later one.
    const toldAt = new Date(now.getTime() - TELL_AGAIN_MS + TELLING_MS);
    const fresh: Hold = { reason, wouldTouch, listed, expected, since, toldAt };
    if (hold) await records.replace(name, fresh);
    else if (!(await records.begin(name, fresh))) return;
    const isTold = await this.#options.alerts.raise({
      kind: `brake_${name}`,
      subject: name,
      at: now,
      severity: 'warning',
      message: (locale) => effectHeld({ name, reason, wouldTouch, listed, expected }, locale),
    });
    if (isTold) await records.replace(name, { ...fresh, toldAt: now });
  }
}

const isApproved = ({ approvedAt }: Hold, now: Date): boolean =>
  approvedAt !== undefined && now.getTime() - approvedAt.getTime() < APPROVAL_MS;

const approvedUsers = (hold: Hold): number => Math.ceil(hold.wouldTouch * APPROVAL_SLACK) + APPROVAL_SLACK_USERS;

/** Whether the counts that were told describe what would happen now. */
function covers(hold: Hold, { listed, wouldTouch }: MassEffect): boolean {
  const isListed = listed >= hold.listed / APPROVAL_SLACK - APPROVAL_SLACK_USERS;
  return isListed && wouldTouch <= approvedUsers(hold);
}

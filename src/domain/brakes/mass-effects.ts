import type { DefinedTask } from '../../lib/defined-task.ts';
import { days, minutes } from '../../lib/duration.ts';
import { PermanentError } from '../../lib/errors.ts';
import { lineKeyOf, type PlannedLine } from '../../lib/planned-line.ts';
import { effectHeld } from '../../messages/brake.ts';
import type { Log } from '../../observability/log.ts';
import { ANSWER_HOLDS_MS, type BrakeRecords, type Hold } from '../../repositories/redis/brakes/brake-records.ts';
import type { HeldLines } from '../../repositories/redis/brakes/held-lines.ts';
import type { AdminAlerts } from '../alerts/admin-alerts.ts';
import type { PlannedLists } from '../exports/planned-lists.ts';

/** The counts of a scheduled run before it does anything. */
export type MassEffect = {
  /** The task of the run, which gives the brake its name. */
  task: DefinedTask;
  /** Names the brake where the runs of a task are about different things. Absent: the name of the task. */
  name?: string;
  /** Users that the run would change or write to. */
  wouldTouch: number;
  /** Users in the listing that the run uses. */
  listed: number;
  /** Users by the panel's own count, which is asked for separately. */
  counted: number;
  now: Date;
  /** What the run would do, line by line, read anew. */
  lines(): AsyncIterable<readonly PlannedLine[]>;
  signal: AbortSignal;
};

/**
 * `atMost` limits how many users may be touched now, because a later look at the panel may find more than were counted. With `onlyShown`,
 * `allowed` lets those through alone whom the admins were shown.
 */
export type BrakeVerdict = { go: true; atMost: number; onlyShown?: string } | { go: false; isDeclined?: true };

/** `go`: all of it. `only_these`: those on the list that was shown, as far as they still qualify. `not_this_time`: none, for a day. */
export const BRAKE_DECISIONS = ['go', 'only_these', 'not_this_time'] as const;
export type BrakeDecision = (typeof BRAKE_DECISIONS)[number];

/** A held run, under the name of its brake. */
export type HeldEffect = Hold & { name: string };

export type BrakeOptions = {
  records: BrakeRecords;
  shown: HeldLines;
  lists: Pick<PlannedLists, 'write'>;
  log: Log;
  alerts: AdminAlerts;
  /** SAFETY_MAX_SHARE, between 0 and 1. */
  maxShare: number;
  /** Runs a held task again now where it has a schedule. A job that was asked for waits and looks again. */
  rerun(name: string): Promise<void>;
};

/** Fewer than this many users are never a mass effect. */
export const MASS_FROM_USERS = 50;
/** A listing may be this many users short before its share counts: in a small installation a few deleted users are many per cent. */
const SHORT_BY_USERS = 10;
/** An approval holds for `ANSWER_HOLDS_MS`, and for this many more users than the admins were told: users go on expiring meanwhile. */
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
    const name = nameOf(effect);
    const expected = Math.max((await records.listed()) ?? 0, effect.counted);
    const unbraked = Math.max(MASS_FROM_USERS - 1, Math.floor(maxShare * listed));
    const reason = this.#reason(effect, expected, unbraked);
    if (!reason) {
      await Promise.all([records.release(name), records.rememberListed(listed)]);
      return { go: true, atMost: unbraked };
    }
    const hold = await records.find(name);
    if (hold?.onlyAt && isOf(hold.onlyAt, now) && (await this.#isAnyShown(effect)))
      return { go: true, atMost: hold.list?.rows ?? 0, onlyShown: name };
    if (hold?.declinedAt && isOf(hold.declinedAt, now) && covers(hold, effect)) return { go: false, isDeclined: true };
    if (hold?.approvedAt && isOf(hold.approvedAt, now) && covers(hold, effect)) {
      await records.rememberListed(listed);
      return { go: true, atMost: Math.max(unbraked, approvedUsers(hold)) };
    }
    await this.#hold(effect, { reason, expected, hold });
    return { go: false };
  }

  /** The steps that the verdict lets through, before its limit. */
  async allowed<Step>(
    { onlyShown }: Extract<BrakeVerdict, { go: true }>,
    steps: readonly Step[],
    lineOf: (step: Step) => PlannedLine | Promise<PlannedLine>,
  ): Promise<readonly Step[]> {
    if (onlyShown === undefined) return steps;
    const lines = await Promise.all(steps.map(async (step) => lineKeyOf(await lineOf(step))));
    const were = await this.#options.shown.were(onlyShown, lines);
    return steps.filter((_, i) => were[i]);
  }

  /** The holds that nobody has decided. */
  async list(): Promise<HeldEffect[]> {
    const all = [...(await this.#options.records.all())].map(([name, hold]) => ({ name, ...hold }));
    return all.filter((held) => !isDecided(held));
  }

  /**
   * Decides about a held run, and runs it now where it may act. Undefined where nothing is held under that name. Throws `PermanentError` for
   * `only_these` where no list was shown.
   */
  async confirm(name: string, now: Date, decision: BrakeDecision = 'go'): Promise<HeldEffect | undefined> {
    const { records, rerun } = this.#options;
    const hold = await records.find(name);
    if (!hold) return undefined;
    if (decision === 'only_these' && !hold.list)
      throw new PermanentError('brake_without_list', `brake ${name}: no list was shown; decide as go or not_this_time`);
    const { approvedAt: _, declinedAt: __, onlyAt: ___, ...open } = hold;
    const field = { go: 'approvedAt', only_these: 'onlyAt', not_this_time: 'declinedAt' } as const;
    await records.replace(name, { ...open, [field[decision]]: now });
    if (decision !== 'not_this_time') await rerun(name);
    return { name, ...hold };
  }

  async #isAnyShown(effect: MassEffect): Promise<boolean> {
    for await (const some of effect.lines())
      if ((await this.#options.shown.were(nameOf(effect), some.map(lineKeyOf))).includes(true)) return true;
    return false;
  }

  /** Keeps what the run would do, for people as a file and for `allowed` by its keys. Undefined where there is no storage for it now. */
  async #listOf({ lines, now, signal, ...effect }: MassEffect): Promise<Hold['list']> {
    const { lists, log, shown } = this.#options;
    const name = nameOf(effect);
    async function* kept(): AsyncGenerator<readonly PlannedLine[]> {
      await shown.begin(name);
      for await (const some of lines()) {
        await shown.add(name, some.map(lineKeyOf));
        if (some.length > 0) yield some;
      }
    }
    try {
      const {
        expires_at: expiresAt,
        export_id: exportId,
        rows,
      } = await lists.write(`brake:${name}:${now.toISOString()}`, kept(), { alive: () => undefined, signal });
      return { exportId, rows, at: now, expiresAt: new Date(expiresAt) };
    } catch (err) {
      signal.throwIfAborted();
      log.warn({ err, task: name }, 'a run is held without a list of what it would do');
      return undefined;
    }
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
    const name = nameOf(effect);
    // An approval that has expired or does not cover these counts has no effect: the admins must be told what would happen now first.
    const wasTold = hold && !isDecided(hold) && now.getTime() - hold.toldAt.getTime() < TELL_AGAIN_MS;
    if (wasTold) return;
    const since = hold && !isDecided(hold) ? hold.since : now;
    // Not told yet: a run that is killed in between leaves the telling to a later one.
    const toldAt = new Date(now.getTime() - TELL_AGAIN_MS + TELLING_MS);
    const fresh: Hold = { reason, wouldTouch, listed, expected, since, toldAt };
    if (hold) await records.replace(name, fresh);
    else if (!(await records.begin(name, fresh))) return;
    const list = await this.#listOf(effect);
    const listedNow: Hold = { ...fresh, ...(list && { list }) };
    await records.replace(name, listedNow);
    const isTold = await this.#options.alerts.raise({
      kind: `brake_${effect.task.name}`,
      subject: name,
      at: now,
      severity: 'warning',
      message: (locale) => effectHeld({ name, reason, wouldTouch, listed, expected }, locale),
    });
    if (isTold) await records.replace(name, { ...listedNow, toldAt: now });
  }
}

const nameOf = ({ name, task }: Pick<MassEffect, 'name' | 'task'>): string => name ?? task.name;

/** Whether a decision of then still holds. */
const isOf = (decidedAt: Date, now: Date): boolean => now.getTime() - decidedAt.getTime() < ANSWER_HOLDS_MS;

const isDecided = ({ approvedAt, declinedAt, onlyAt }: Hold): boolean =>
  approvedAt !== undefined || declinedAt !== undefined || onlyAt !== undefined;

const approvedUsers = (hold: Hold): number => Math.ceil(hold.wouldTouch * APPROVAL_SLACK) + APPROVAL_SLACK_USERS;

/** Whether the counts that were told describe what would happen now. */
function covers(hold: Hold, { listed, wouldTouch }: MassEffect): boolean {
  const isListed = listed >= hold.listed / APPROVAL_SLACK - APPROVAL_SLACK_USERS;
  return isListed && wouldTouch <= approvedUsers(hold);
}

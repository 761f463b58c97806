import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { CampaignStep, CampaignTrigger } from '../../lib/campaign-rules.ts';
import { days, hours } from '../../lib/duration.ts';
import { allowanceOf } from '../subscriptions/used-up-traffic.ts';

/**
 * A step that counts from a past moment is due for so long, or until the next one begins: the first run of a campaign must not write to
 * everybody whose moment is long over, and a worker that was down for a night makes it good.
 */
const DUE_FOR_MS = hours(48);

/** A panel user may be told so much later than it was read; a renewal moves the end by a day at least. */
const SAME_END_MS = hours(1);

/** A rule, as far as it decides who is due. */
export type DueRule = { trigger: CampaignTrigger; steps: readonly CampaignStep[] };

/** What a step is told once for, as text. */
export function campaignPeriodOf(trigger: CampaignTrigger, user: PanelUser): string {
  switch (trigger) {
    case 'before_end':
    case 'after_end':
      return user.expireAt.toISOString();
    case 'not_connected':
      return `new:${user.createdAt.toISOString()}`;
    case 'traffic':
      return `traffic:${allowanceOf(user)}`;
    case 'silent':
      return `since:${user.onlineAt?.toISOString()}`;
  }
}

/** The step that this user is at; undefined where none is due. Of several the latest alone is: who missed one gets the next. */
export function dueStep({ steps, trigger }: DueRule, user: PanelUser, now: Date): CampaignStep | undefined {
  if (trigger === 'before_end') {
    const left = user.expireAt.getTime() - now.getTime();
    if (!isRunning(user, now)) return undefined;
    return nearest(
      steps.filter(({ at }) => left <= hours(at)),
      -1,
    );
  }
  if (trigger === 'traffic') {
    const { trafficLimitBytes: limit, usedTrafficBytes: used } = user;
    const wasHere = user.onlineAt === undefined || now.getTime() - user.onlineAt.getTime() < DUE_FOR_MS;
    if (limit <= 0 || !wasHere || !isRunning(user, now)) return undefined;
    return nearest(
      steps.filter(({ at }) => used * 100 >= limit * at),
      1,
    );
  }
  const since = momentOf(trigger, user, now);
  if (!since) return undefined;
  const unit = trigger === 'silent' ? days : hours;
  const passed = now.getTime() - since.getTime();
  const step = nearest(
    steps.filter(({ at }) => passed >= unit(at)),
    1,
  );
  return step && passed < unit(step.at) + DUE_FOR_MS ? step : undefined;
}

/**
 * Whether a message of this period still holds for the user as the panel has them now: the period is the same, and the end has not moved to
 * a later date since, as a renewal moves it.
 */
export function stillHolds(
  trigger: CampaignTrigger,
  told: { period: string; expiresAt: Date },
  user: PanelUser,
  now: Date,
): boolean {
  if (campaignPeriodOf(trigger, user) !== told.period || hasRenewed(told, user)) return false;
  if (trigger === 'before_end') return user.expireAt > now && user.status !== 'DISABLED';
  return trigger !== 'not_connected' || user.onlineAt === undefined;
}

/** Whether the end has moved to a later date since. */
export const hasRenewed = ({ expiresAt }: { expiresAt: Date }, { expireAt }: PanelUser): boolean =>
  expireAt.getTime() - expiresAt.getTime() > SAME_END_MS;

const isRunning = ({ expireAt, status }: PanelUser, now: Date): boolean =>
  (status === 'ACTIVE' || status === 'LIMITED') && expireAt > now;

/** The moment that the distances count from; undefined where the rule is not about this user. */
function momentOf(trigger: 'after_end' | 'not_connected' | 'silent', user: PanelUser, now: Date): Date | undefined {
  // A user who is switched off may have been by an admin: nobody asks them to come back.
  if (trigger === 'after_end') return user.expireAt <= now && user.status !== 'DISABLED' ? user.expireAt : undefined;
  if (!isRunning(user, now)) return undefined;
  if (trigger === 'not_connected') return user.onlineAt === undefined ? user.createdAt : undefined;
  return user.onlineAt;
}

/** The step with the largest `at`, or with -1 the smallest. */
const nearest = (steps: readonly CampaignStep[], sign: 1 | -1): CampaignStep | undefined =>
  steps.reduce<CampaignStep | undefined>(
    (best, step) => (best === undefined || (step.at - best.at) * sign > 0 ? step : best),
    undefined,
  );

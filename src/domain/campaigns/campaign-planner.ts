import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { inGroups } from '../../lib/async-iteration.ts';
import { type CampaignStep, type CampaignTrigger, typeOfStep } from '../../lib/campaign-rules.ts';
import { chunks } from '../../lib/chunks.ts';
import { hours } from '../../lib/duration.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { broadcastText } from '../../messages/broadcast-text.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { CampaignMessage, CampaignSends } from '../../repositories/history/campaign-sends.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import type { CampaignEstimate, CampaignPart, CampaignPlan } from '../../triggers/campaigns.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import { BRACKETS, noticeId } from '../subscriptions/brackets.ts';
import type { People } from '../subscriptions/people.ts';
import type { CampaignReach, Reader } from './campaign-reach.ts';
import { campaignPeriodOf, dueStep, hasRenewed } from './due-steps.ts';
import { isHeldOutOf } from './held-out.ts';

export type CampaignPlannerOptions = {
  panel: Pick<Panel, 'users'>;
  people: Pick<People, 'telegramIds'>;
  reach: CampaignReach;
  decisions: Pick<Decisions, 'queued'>;
  marks: Pick<DeliveryMarks, 'unreachable'>;
  picture: Pick<CustomerPicture, 'unpaid'>;
  sends: Pick<CampaignSends, 'earlier' | 'toldInWeek'>;
  timeZone: string;
  weeklyCap: number;
};

/** A message that is to be sent, with the names that a list shows. */
export type PlannedMessage = CampaignMessage & { campaignName: string; users: readonly PanelUser[] };

export type CampaignPlanGroup = {
  readonly steps: readonly PlannedMessage[];
  readonly heldOut: readonly CampaignMessage[];
  readonly counts: Readonly<Record<CampaignCount, number>>;
};
type CampaignCount = 'checked' | 'unreadable' | 'without_telegram' | 'paid' | 'unknown' | Exclude<CampaignPart, 'told'>;

/** A panel user who is at a step. */
type Due = { rule: CampaignPlan; user: PanelUser; step: CampaignStep; period: string };
type Candidate = Due & { chat: number };
type Judged = Candidate & { part: CampaignPart; text: string; besides: number };

/** Users looked at together: one question to each table per group, and all that is held in memory. */
const GROUP = 500;
/** Subscriptions of one person in one message. */
const JOINED = 10;
const SAMPLED = 20;

/** Where the cap does not leave room for all, these come first. */
const FIRST: readonly CampaignTrigger[] = ['before_end', 'traffic', 'not_connected', 'after_end', 'silent'];

/** Works out who is to be told which step, for an estimate and a dry run as for the sending. Changes nothing. */
export class CampaignPlanner {
  readonly #options: CampaignPlannerOptions;
  readonly #clock: ZonedClock;

  constructor(options: CampaignPlannerOptions) {
    this.#options = options;
    this.#clock = new ZonedClock(options.timeZone);
  }

  /** What one campaign would do now. Throws where panel or database do not answer. */
  async estimate(rule: CampaignPlan, now: Date, signal: AbortSignal): Promise<CampaignEstimate> {
    const parts = { told: 0, held_out: 0, unreachable: 0, without_values: 0, capped: 0 };
    const steps = new Map(rule.steps.map(({ at }) => [at, 0]));
    const sample: { chat: number; username: string; at: number; text: string }[] = [];
    for await (const { counts, steps: messages } of this.groups([rule], now, signal)) {
      for (const part of ['held_out', 'unreachable', 'without_values', 'capped'] as const) parts[part] += counts[part];
      for (const { chat, subjects, text } of messages) {
        const { step: at, username } = subjects[0]!;
        parts.told += 1;
        steps.set(at, (steps.get(at) ?? 0) + 1);
        if (sample.length < SAMPLED) sample.push({ chat, username, at, text });
      }
    }
    return { parts, steps: [...steps].map(([at, told]) => ({ at, told })), sample };
  }

  /** A text as a customer would read it, with values that stand for theirs. */
  preview(text: string, locale: Reader['locale'], now: Date): string {
    const reader = { username: 'customer_1', expireAt: new Date(now.getTime() + hours(5 * 24)), planName: 'Pro' };
    return broadcastText(text, reader, { clock: this.#clock, locale, now }) ?? text;
  }

  /** The messages of these campaigns, group by group: memory does not grow with the users. */
  async *groups(rules: readonly CampaignPlan[], now: Date, signal: AbortSignal): AsyncGenerator<CampaignPlanGroup> {
    if (rules.length === 0) return;
    const listing = this.#options.panel.users({}, signal);
    for await (const users of inGroups(listing, GROUP)) {
      const group = await this.#group(rules, users, now, signal);
      yield { ...group, counts: { ...group.counts, checked: users.length } };
    }
    yield { steps: [], heldOut: [], counts: { ...NONE, unreadable: listing.holes.length } };
  }

  async #group(
    rules: readonly CampaignPlan[],
    users: readonly PanelUser[],
    now: Date,
    signal: AbortSignal,
  ): Promise<CampaignPlanGroup> {
    const { people, picture, reach } = this.#options;
    const due = users.flatMap((user) =>
      rules.flatMap((rule): Due[] => {
        const step = dueStep(rule, user, now);
        return step ? [{ rule, user, step, period: campaignPeriodOf(rule.trigger, user) }] : [];
      }),
    );
    if (due.length === 0) return { steps: [], heldOut: [], counts: NONE };
    const chats = await people.telegramIds([...new Set(due.map(({ user }) => user))]);
    const withChat = due.flatMap((one): Candidate[] => {
      const chat = chats.get(one.user.id);
      return chat === undefined ? [] : [{ ...one, chat }];
    });
    const readers = await reach.readers(withChat.map(({ chat }) => chat));
    const meant = withChat.filter(({ chat, rule, user }) => reach.isFor(rule.audience, user, readers(chat), now));
    const untold = await this.#untold(meant);
    const unpaid = await picture.unpaid(untold, ({ user }) => user, now, signal);
    const judged = await this.#judged(unpaid.items, readers, now);
    const count = (part: CampaignPart): number => judged.filter((one) => one.part === part).length;
    return {
      steps: messagesOf(judged.filter(({ part }) => part === 'told')),
      heldOut: messagesOf(judged.filter(({ part }) => part === 'held_out')),
      counts: {
        ...NONE,
        without_telegram: due.length - withChat.length,
        paid: unpaid.paid,
        unknown: unpaid.unknown,
        held_out: count('held_out'),
        unreachable: count('unreachable'),
        without_values: count('without_values'),
        capped: count('capped'),
      },
    };
  }

  /** Those who were neither told this step, by a campaign or a built-in notice, nor have renewed since an earlier one. */
  async #untold(candidates: readonly Candidate[]): Promise<Candidate[]> {
    const { decisions, sends } = this.#options;
    const earlier = Map.groupBy(await sends.earlier(candidates.map(subjectOf)), keyOf);
    const open = candidates.filter((one) => {
      const before = earlier.get(keyOf(subjectOf(one))) ?? [];
      return !before.some((told) => told.step === one.step.at || hasRenewed(told, one.user));
    });
    const told = await decisions.queued(open.flatMap(builtInIds));
    return open.filter((one) => !builtInIds(one).some((id) => told.has(id)));
  }

  async #judged(
    candidates: readonly Candidate[],
    readers: (chat: number) => Reader,
    now: Date,
  ): Promise<readonly Judged[]> {
    const { decisions, marks, sends, weeklyCap } = this.#options;
    const chats = [...new Set(candidates.map(({ chat }) => chat))];
    const [refused, week, reminders] = await Promise.all([
      marks.unreachable(chats),
      sends.toldInWeek(chats, now),
      decisions.queued(candidates.flatMap(({ user }) => reminderIds(user))),
    ]);
    const counts = new Map(week);
    /** Of one message for several subscriptions, the first alone counts. */
    const chosen = new Set<string>();
    return [...candidates].sort(byUrgency).map((one): Judged => {
      const { chat, rule, step, user } = one;
      const reader = readers(chat);
      const written = step.texts[reader.locale] ?? step.texts.en ?? step.texts.ru ?? '';
      const values = { username: user.username, expireAt: user.expireAt, planName: reader.bought?.planName };
      const text = broadcastText(written, values, { clock: this.#clock, locale: reader.locale, now });
      const besides = reminderIds(user).filter((id) => reminders.has(id)).length;
      const as = (part: CampaignPart): Judged => ({ ...one, part, text: text ?? '', besides });
      if (isHeldOutOf(rule.id, chat, rule.holdoutPercent)) return as('held_out');
      if (refused.has(chat)) return as('unreachable');
      if (text === undefined || text === '') return as('without_values');
      if (chosen.has(messageKey(one))) return as('told');
      const before = counts.get(chat) ?? 0;
      if (before + besides >= weeklyCap) return as('capped');
      counts.set(chat, before + 1);
      chosen.add(messageKey(one));
      return as('told');
    });
  }
}

const NONE: CampaignPlanGroup['counts'] = {
  ...{ checked: 0, unreadable: 0, without_telegram: 0, paid: 0, unknown: 0 },
  ...{ held_out: 0, unreachable: 0, without_values: 0, capped: 0 },
};

const subjectOf = ({ chat, period, rule, step, user }: Candidate) => ({
  ...{ campaign: rule.id, username: user.username, period, step: step.at, chat, expiresAt: user.expireAt },
});

const keyOf = ({ campaign, period, username }: { campaign: string; username: string; period: string }): string =>
  JSON.stringify([campaign, username, period]);

/** The built-in reminders of this end. */
const reminderIds = (user: PanelUser): string[] => BRACKETS.map(({ kind }) => noticeId(kind, user));

/** The built-in notices that tell what this step would: of the same distance or nearer. */
function builtInIds({ rule, step, user }: Due): string[] {
  if (rule.trigger === 'traffic') return step.at >= 100 ? [noticeId('traffic', user)] : [];
  if (rule.trigger !== 'before_end') return [];
  return BRACKETS.filter(({ ms }) => ms <= hours(step.at)).map(({ kind }) => noticeId(kind, user));
}

const byUrgency = (a: Due, b: Due): number => FIRST.indexOf(a.rule.trigger) - FIRST.indexOf(b.rule.trigger);

const messageKey = ({ chat, rule, step }: Pick<Candidate, 'chat' | 'rule' | 'step'>): string =>
  `${rule.id} ${step.at} ${chat}`;

/** One message for each person and step, a line for each of their subscriptions; a text that names none of them stands once. */
function messagesOf(judged: readonly Judged[]): PlannedMessage[] {
  return [...Map.groupBy(judged, messageKey).values()].flatMap((ofOne) => {
    const inOrder = ofOne.sort(
      (a, b) => a.user.expireAt.getTime() - b.user.expireAt.getTime() || (a.user.username < b.user.username ? -1 : 1),
    );
    return [...chunks(inOrder, JOINED)].map((joined): PlannedMessage => {
      const { chat, rule, step } = joined[0]!;
      const names = joined.map(({ period, user }) => JSON.stringify([user.username, period]));
      return {
        id: uuidFrom(`campaign:${rule.id}:${step.at}:${names.join()}`),
        chat,
        text: [...new Set(joined.map(({ text }) => text))].join('\n'),
        type: typeOfStep(rule.id, step.at),
        version: rule.version,
        besides: Math.max(...joined.map(({ besides }) => besides)),
        subjects: joined.map(subjectOf),
        campaignName: rule.name,
        users: joined.map(({ user }) => user),
      };
    });
  });
}

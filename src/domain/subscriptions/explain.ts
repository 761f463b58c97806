import type { Panel } from '../../clients/remnawave/panel.ts';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { minuteInUtc } from '../../messages/time.ts';
import type { Decisions } from '../../repositories/decisions.ts';
import type { Events, PlatformEvent } from '../../repositories/redis/events.ts';
import type { DeliveryMarks } from '../../repositories/redis/notifications/delivery-marks.ts';
import { type ReminderMarks, TOLD_UNDATED } from '../../repositories/redis/subscriptions/reminder-marks.ts';
import type { MassEffectBrake } from '../brakes/mass-effects.ts';
import type { CustomerPicture } from '../payments/customer-picture.ts';
import { NOTICE_KINDS, noticeId, occasionOf } from './brackets.ts';
import { DISABLED_ACTION } from './expired-users.ts';
import { type ExplainedTasks, explainUser, type UserFacts } from './explain-sentences.ts';
import type { SubscriptionNotices } from './notices.ts';
import type { People } from './people.ts';
import type { Telling } from './telling.ts';

export type ExplainOptions = {
  brake: Pick<MassEffectBrake, 'list'>;
  decisions: Decisions;
  deliveryMarks: Pick<DeliveryMarks, 'unreachable'>;
  events: Pick<Events, 'latest'>;
  marks: ReminderMarks;
  notices: Pick<SubscriptionNotices, 'telegramIds'>;
  picture: Pick<CustomerPicture, 'of'>;
  panel: Pick<Panel, 'userByUsername'>;
  people: Pick<People, 'panelUsers'>;
  quietUntil: UserFacts['quietUntil'];
  tasks(): Promise<ExplainedTasks>;
  tasksOff: ReadonlySet<string>;
};

/** One panel user with what there is to say, one decision per sentence. */
export type Explanation = {
  panelUser: string;
  username: string;
  telegramId: number | undefined;
  /** Telegram refuses this chat, as far as it is remembered. */
  isUnreachable: boolean;
  sentences: readonly string[];
};

/** For the command line and the API. */
const ENGLISH: Telling = { locale: 'en', time: minuteInUtc };

const AUDITS = 5;
const EVENTS_LOOKED_AT = 1_000;
const EVENTS_SHOWN = 10;

/** Why a customer did or did not get which notice, was or was not disabled: from stored decisions, never from guesses. */
export class Explain {
  readonly #options: ExplainOptions;

  constructor(options: ExplainOptions) {
    this.#options = options;
  }

  /** Every panel user of this Telegram id, or the one of this name; empty where there is none. Reads only. */
  async user(who: string, now: Date, signal: AbortSignal, telling: Telling = ENGLISH): Promise<Explanation[]> {
    const users = await this.#find(who, signal);
    return Promise.all(
      users.map(async (user) => {
        const facts = await this.#facts(user, now, signal);
        return {
          panelUser: user.id,
          username: user.username,
          telegramId: facts.telegram?.id,
          isUnreachable: facts.isUnreachable,
          sentences: explainUser(facts, telling),
        };
      }),
    );
  }

  async #find(who: string, signal: AbortSignal): Promise<PanelUser[]> {
    const { panel, people } = this.#options;
    if (/^\d{1,15}$/.test(who)) {
      const telegramId = Number(who);
      const { items: found } = await people.panelUsers(telegramId, signal);
      if (found.length > 0) return found;
    }
    const named = await panel.userByUsername(who.replace(/^@/, ''), signal);
    return named ? [named] : [];
  }

  async #facts(user: PanelUser, now: Date, signal: AbortSignal): Promise<UserFacts> {
    const { brake, decisions, deliveryMarks, events, marks, notices, picture, tasks, tasksOff } = this.#options;
    const telegramId = (await notices.telegramIds([user])).get(user.id);
    const ids = NOTICE_KINDS.map((kind) => noticeId(kind, user));
    const [rows, told, disablings, holds, kept, refused, [money]] = await Promise.all([
      decisions.messages(ids),
      marks.told(NOTICE_KINDS.map((kind) => ({ userId: user.id, kind }))),
      decisions.audited(DISABLED_ACTION, user, AUDITS),
      brake.list(),
      events.latest(EVENTS_LOOKED_AT),
      deliveryMarks.unreachable(telegramId === undefined ? [] : [telegramId]),
      picture.of([user], now, signal),
    ]);
    const about = NOTICE_KINDS.map((kind, i) => {
      const isMarked = told[i] === TOLD_UNDATED || told[i] === occasionOf(kind, user);
      return [kind, { row: rows.get(ids[i]!), isMarked }] as const;
    });
    return {
      user,
      now,
      quietUntil: this.#options.quietUntil,
      telegram:
        telegramId === undefined
          ? undefined
          : { id: telegramId, from: user.telegramId === undefined ? 'platform' : 'panel' },
      isUnreachable: refused.size > 0,
      money: money!,
      notices: new Map(about),
      disablings,
      holds,
      tasks: await tasks(),
      tasksOff,
      events: kept.filter((event) => isAbout(event, user)).slice(0, EVENTS_SHOWN),
    };
  }
}

/** By name, where the event has one: the id may be of another generation of panel. */
function isAbout({ data }: PlatformEvent, user: PanelUser): boolean {
  if (typeof data.username === 'string') return data.username.toLowerCase() === user.username.toLowerCase();
  return data.user_uuid === user.id;
}

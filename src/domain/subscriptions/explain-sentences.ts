import type { PanelUser } from '../../clients/remnawave/types.ts';
import type { DefinedTask } from '../../lib/defined-task.ts';
import { minutes } from '../../lib/duration.ts';
import type { Locale } from '../../lib/locale.ts';
import { durationText, howMany, inTime } from '../../lib/quantities.ts';
import type { AuditRecord, MessageRecord } from '../../repositories/decisions.ts';
import type { PlatformEvent } from '../../repositories/redis/events.ts';
import { canWait } from '../../repositories/urgency.ts';
import type { HeldEffect } from '../brakes/mass-effects.ts';
import type { MoneyOf } from '../payments/customer-picture.ts';
import { BRACKETS, type Bracket, isJustOver, type NoticeKind, typeOfNotice } from './brackets.ts';
import { isOverdue } from './expired-users.ts';
import { moneySentences, whyNotByMoney } from './explain-money.ts';
import type { Telling } from './telling.ts';
import { isJustUsedUp, isUsedUp } from './used-up-traffic.ts';

/** Everything that is stored about what the worker did, and did not do, for one panel user. */
export type UserFacts = {
  user: PanelUser;
  now: Date;
  telegram: { id: number; from: 'panel' | 'platform' } | undefined;
  /** Telegram refuses this chat permanently. */
  isUnreachable: boolean;
  money: MoneyOf;
  /** Of the present expiry date, and of the present allowance of traffic. */
  notices: ReadonlyMap<NoticeKind, { row: MessageRecord | 'unreadable' | undefined; isMarked: boolean }>;
  /** Newest first. */
  disablings: readonly AuditRecord[];
  holds: readonly HeldEffect[];
  tasks: ExplainedTasks;
  /** Tasks that the operator switched off. */
  tasksOff: ReadonlySet<string>;
  /** Kept events about this user, newest first. */
  events: readonly PlatformEvent[];
  /** When the quiet hours end in which a moment lies; undefined outside of them. */
  quietUntil(at: Date): Date | undefined;
};

/** The tasks that decide over a user. */
export type ExplainedTasks = Readonly<Record<'reminding' | 'disabling', DefinedTask>>;

/** Why this user did or did not get which notice, was or was not disabled: one decision per sentence, for an operator. */
export function explainUser(facts: UserFacts, telling: Telling): string[] {
  const { locale, time } = telling;
  const events = facts.events.map(({ at, type }) => ({
    en: `Event ${type} at ${time(at)}.`,
    ru: `Событие ${type}, ${time(at)}.`,
  }));
  return [
    state(facts, telling),
    contact(facts)[locale],
    ...moneySentences(facts.money, telling),
    ...[...BRACKETS].reverse().map((bracket) => reminder(bracket, facts, telling)),
    ending(facts, telling),
    ...usedUpTraffic(facts, telling),
    ...disabling(facts, telling),
    ...events.map((event) => event[locale]),
  ];
}

function state({ now, user }: UserFacts, { locale, time }: Telling): string {
  const left = user.expireAt.getTime() - now.getTime();
  const over = durationText(Math.abs(left), locale);
  const distance = left > 0 ? inTime(left, locale) : { en: `${over} ago`, ru: `${over} назад` }[locale];
  return {
    en: `${user.username} (panel user ${user.id}) is ${user.status}; the time ends ${time(user.expireAt)}, ${distance}.`,
    ru: `${user.username} (пользователь панели ${user.id}): ${user.status}; срок до ${time(user.expireAt)}, ${distance}.`,
  }[locale];
}

function contact({ isUnreachable, telegram }: UserFacts): Record<Locale, string> {
  if (!telegram) {
    return {
      en: 'No Telegram id is known, neither at the panel nor in the platform: nothing can be sent.',
      ru: 'Telegram id неизвестен ни панели, ни платформе: отправлять некуда.',
    };
  }
  const isPanels = telegram.from === 'panel';
  const source = {
    en: isPanels ? 'as the panel has it' : 'as the platform has it, the panel has none',
    ru: isPanels ? 'из панели' : 'из платформы, в панели его нет',
  };
  const refused = {
    en: ' Telegram refuses this chat (blocked, or gone), so reminders skip it for 30 days after the refusal or until a message arrives.',
    ru: ' Telegram отклоняет этот чат (бот заблокирован или чата нет), поэтому напоминаний нет 30 дней после отказа или до первого доставленного сообщения.',
  };
  return {
    en: `Telegram id ${telegram.id}, ${source.en}.${isUnreachable ? refused.en : ''}`,
    ru: `Telegram id ${telegram.id}, ${source.ru}.${isUnreachable ? refused.ru : ''}`,
  };
}

function reminder(bracket: Bracket, facts: UserFacts, telling: Telling): string {
  const { locale, time } = telling;
  const { now, user } = facts;
  const what = { en: `Reminder ${bracket.kind}`, ru: `Напоминание ${bracket.kind}` }[locale];
  const stored = storedDecision(bracket.kind, facts, telling);
  if (stored) return `${what}: ${stored}`;
  const nearer = BRACKETS[BRACKETS.indexOf(bracket) - 1];
  const from = new Date(user.expireAt.getTime() - bracket.ms);
  const until = new Date(user.expireAt.getTime() - (nearer?.ms ?? 0));
  if (now < from)
    return `${what}: ${{ en: `not yet; it is due from ${time(from)}`, ru: `ещё рано; срок с ${time(from)}` }[locale]}.`;
  if (now >= until) {
    const missed =
      user.createdAt >= until
        ? {
            en: `the user was made later, ${time(user.createdAt)}`,
            ru: `пользователь создан позже, ${time(user.createdAt)}`,
          }
        : {
            en: 'there is no record that it was queued for this expiry date (was the date set later than that, or the worker off?)',
            ru: 'нет записи, что его поставили в очередь для этого срока (срок изменили позже или воркер был выключен?)',
          };
    const its = { en: 'its time was', ru: 'его время было' }[locale];
    const to = { en: 'to', ru: 'до' }[locale];
    return `${what}: ${its} ${time(from)} ${to} ${time(until)}; ${missed[locale]}.`;
  }
  const why = whyNot(facts.tasks.reminding, facts, telling);
  return {
    en: `${what}: due since ${time(from)} and not queued, because ${why}.`,
    ru: `${what}: пора с ${time(from)}, но в очередь не поставлено: ${why}.`,
  }[locale];
}

function ending(facts: UserFacts, telling: Telling): string {
  const { locale } = telling;
  const { now, user } = facts;
  const notice = { en: 'Notice of the end', ru: 'Уведомление об окончании' }[locale];
  const stored = storedDecision('expired', facts, telling);
  if (stored) return `${notice}: ${stored}`;
  if (user.expireAt > now)
    return `${notice}: ${{ en: 'not yet; the time is not over', ru: 'ещё рано; срок не истёк' }[locale]}.`;
  if (!isJustOver(user, now)) {
    const none = {
      en: 'none for this date on record; rows are kept for 7 days, and whose time ended over 48 hours ago is not written to',
      ru: 'для этого срока записи нет; строки хранятся 7 дней, а тем, чей срок истёк больше 48 часов назад, не пишут',
    };
    return `${notice}: ${none[locale]}.`;
  }
  if (user.status === 'DISABLED' && facts.disablings.length === 0) {
    const other = {
      en: 'none, because somebody else disabled this user',
      ru: 'нет: пользователя отключил кто-то другой',
    };
    return `${notice}: ${other[locale]}.`;
  }
  const why = whyNot(facts.tasks.disabling, facts, telling);
  return `${notice}: ${{ en: `not queued, because ${why}`, ru: `не поставлено в очередь: ${why}` }[locale]}.`;
}

/** Nothing where the traffic is not used up and nobody was told so. */
function usedUpTraffic(facts: UserFacts, telling: Telling): string[] {
  const { locale } = telling;
  const { now, tasks, user } = facts;
  const notice = { en: 'Notice of used-up traffic', ru: 'Уведомление об исчерпанном трафике' }[locale];
  const stored = storedDecision('traffic', facts, telling);
  if (stored) return [`${notice}: ${stored}`];
  if (!isUsedUp(user, now)) return [];
  if (!isJustUsedUp(user, now)) {
    const none = {
      en: 'none; who was last online over 48 hours ago is not written to',
      ru: 'нет; тем, кто был в сети больше 48 часов назад, не пишут',
    };
    return [`${notice}: ${none[locale]}.`];
  }
  const why = whyNot(tasks.reminding, facts, telling);
  return [`${notice}: ${{ en: `not queued, because ${why}`, ru: `не поставлено в очередь: ${why}` }[locale]}.`];
}

/** What `notification_queue`, else Redis, says of a notice for the present expiry date, or the present allowance of traffic. */
function storedDecision(kind: NoticeKind, facts: UserFacts, telling: Telling): string | undefined {
  const { locale, time } = telling;
  const { row, isMarked } = facts.notices.get(kind) ?? { row: undefined, isMarked: false };
  const isTraffic = kind === 'traffic';
  const occasion = { en: isTraffic ? 'allowance' : 'expiry date', ru: isTraffic ? 'этого лимита' : 'этого срока' };
  if (row === 'unreadable') {
    return {
      en: `queued for this ${occasion.en}; its row in notification_queue cannot be read.`,
      ru: `поставлено в очередь для ${occasion.ru}; его строка в notification_queue не читается.`,
    }[locale];
  }
  if (row) {
    const at = time(row.createdAt);
    return `${{ en: `queued ${at}`, ru: `поставлено в очередь ${at}` }[locale]}, ${outcome(row, quietEnd(kind, row, facts), telling)}.`;
  }
  const cleaned = {
    en: `queued for this ${occasion.en}; what became of it has been cleaned up.`,
    ru: `поставлено в очередь для ${occasion.ru}; что с ним стало, уже удалено.`,
  };
  return isMarked ? cleaned[locale] : undefined;
}

/** A row that was put off is due at the end of the quiet hours, give or take the time that writing it took. */
const PUT_OFF_WITHIN_MS = minutes(1);

/** Until when a pending row waits because of quiet hours; undefined where it does not. */
function quietEnd(kind: NoticeKind, row: MessageRecord, { now, quietUntil }: UserFacts): Date | undefined {
  if (!canWait(typeOfNotice(kind)) || row.status !== 'pending') return undefined;
  const present = quietUntil(now);
  if (present && Math.abs(row.scheduledAt.getTime() - present.getTime()) < PUT_OFF_WITHIN_MS) return present;
  return quietUntil(row.scheduledAt > now ? row.scheduledAt : now);
}

function outcome(row: MessageRecord, quiet: Date | undefined, { locale, time }: Telling): string {
  const unknown = { en: 'unknown', ru: 'неизвестно' }[locale];
  if (row.status === 'sent') {
    const at = time(row.sentAt ?? row.scheduledAt);
    return { en: `sent ${at}`, ru: `отправлено ${at}` }[locale];
  }
  if (row.status === 'pending') {
    const error = row.error ?? unknown;
    const tries = {
      en: `, ${howMany(row.attempts, 'attempt', 'en')} failed, the last: ${error}`,
      ru: `, неудачных попыток: ${row.attempts}, последняя: ${error}`,
    };
    const due = time(row.scheduledAt);
    const waits = quiet
      ? {
          en: `waiting for the end of the quiet hours (QUIET_HOURS), ${time(quiet)}`,
          ru: `ждёт конца тихих часов (QUIET_HOURS), ${time(quiet)}`,
        }
      : { en: `waiting to be sent, due ${due}`, ru: `ждёт отправки, срок ${due}` };
    return `${waits[locale]}${row.attempts > 0 ? tries[locale] : ''}`;
  }
  if (row.error === 'obsolete') {
    return {
      en: 'not sent: by its turn the subscription was renewed or paid for, or the time over, or the traffic flowed again',
      ru: 'не отправлено: к этому времени подписка была продлена или оплачена, срок истёк или трафик снова появился',
    }[locale];
  }
  return {
    en: `not sent: ${row.error ?? 'for an unknown reason'}`,
    ru: `не отправлено: ${row.error ?? 'причина неизвестна'}`,
  }[locale];
}

/** The first reason that holds, in the order in which the task decides. */
function whyNot(
  decider: DefinedTask,
  { holds, isUnreachable, money, tasks, tasksOff, telegram, user }: UserFacts,
  { locale, time }: Telling,
): string {
  const task = decider.name;
  const isReminder = decider === tasks.reminding;
  const hold = holds.find(({ name }) => name === task);
  const say = (en: string, ru: string): string => ({ en, ru })[locale];
  if (tasksOff.has(task))
    return say(`${task} is switched off (DISABLED_TASKS)`, `задача ${task} отключена (DISABLED_TASKS)`);
  if (isReminder && user.status === 'DISABLED') return say('the user is DISABLED', 'пользователь отключён (DISABLED)');
  if (isReminder && user.status === 'EXPIRED') return say('the user is EXPIRED', 'срок пользователя истёк (EXPIRED)');
  if (!telegram) return say('no Telegram id is known', 'Telegram id неизвестен');
  if (isUnreachable) return say('Telegram refuses this chat', 'Telegram отклоняет этот чат');
  const ofMoney = whyNotByMoney(money, locale);
  if (ofMoney) return ofMoney;
  if (hold) {
    return say(
      `${task} is held since ${time(hold.since)}: it would touch ${hold.wouldTouch} of ${hold.listed} users; an admin must decide`,
      `задача ${task} остановлена с ${time(hold.since)}: она затронула бы ${hold.wouldTouch} из ${hold.listed} пользователей; решает админ`,
    );
  }
  return say(
    `${task} has not run since; its schedule says when it does`,
    `задача ${task} с тех пор не запускалась; когда запустится, видно в расписании`,
  );
}

function disabling(facts: UserFacts, telling: Telling): string[] {
  const { locale, time } = telling;
  const { disablings, now, user } = facts;
  const done = disablings.map(({ at, oldValue }) => {
    const { status, expire_at: expireAt } = (oldValue ?? {}) as { status?: string; expire_at?: string };
    const end = expireAt ? time(new Date(expireAt)) : '';
    return {
      en: `Disabled by the worker ${at ? time(at) : 'at an unreadable time'}: still ${status ?? 'on'} after its time ended ${end}.`,
      ru: `Отключён воркером ${at ? time(at) : '(время не читается)'}: статус ${status ?? 'включён'} и после окончания срока ${end}.`,
    }[locale];
  });
  if (user.status === 'EXPIRED') {
    const revived = {
      en: 'Not disabled: the panel itself marked this user EXPIRED, and extending such a user revives it.',
      ru: 'Не отключён: панель сама пометила его EXPIRED, и продление его оживит.',
    };
    return [...done, revived[locale]];
  }
  if (user.status === 'DISABLED' && done.length === 0) {
    return [
      {
        en: 'DISABLED, but not by this worker: the audit log (kept 90 days) has no such entry.',
        ru: 'Отключён (DISABLED), но не этим воркером: в журнале аудита (хранится 90 дней) такой записи нет.',
      }[locale],
    ];
  }
  if (isOverdue(user, now)) {
    const why = whyNotDisabled(facts, telling);
    const overdue = {
      en: `Past its time and not disabled, because ${why}.`,
      ru: `Срок истёк, но не отключён: ${why}.`,
    };
    return [...done, overdue[locale]];
  }
  return done.length > 0
    ? done
    : [{ en: 'Not disabled: the time is not over.', ru: 'Не отключён: срок не истёк.' }[locale]];
}

function whyNotDisabled(facts: UserFacts, telling: Telling): string {
  // A user who is disabled needs no way to be told.
  return whyNot(facts.tasks.disabling, { ...facts, telegram: { id: 0, from: 'panel' }, isUnreachable: false }, telling);
}

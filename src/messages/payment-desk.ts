import type { Locale } from '../lib/locale.ts';

type Words = Readonly<Record<Locale, string>>;

/** Why a payment waits for a person. */
const REASONS = {
  mismatch: {
    en: 'the paid invoice has another amount or currency than the payment, so nothing was activated',
    ru: 'сумма или валюта оплаченного счёта не совпадает с платежом, поэтому ничего не активировано',
  },
  unresolved: {
    en: 'it is paid, and it is not clear which panel user it is for',
    ru: 'он оплачен, но неясно, для какого пользователя панели',
  },
  in_vain: {
    en: 'its invoice was paid when the payment had already ended, or the invoice counts for another payment',
    ru: 'счёт оплачен, когда платёж уже завершился, или счёт засчитан другому платежу',
  },
  given_or_not: {
    en: 'the backend completed it, and the end in the panel does not say whether the days were given',
    ru: 'бэкенд его завершил, а по сроку в панели нельзя понять, были ли выданы дни',
  },
  unknown_purchase: {
    en: 'it is settled, and nobody knows what was bought, so no days were given',
    ru: 'он проведён, но неизвестно, что куплено, поэтому дни не выданы',
  },
  gift_waits: {
    en: 'it bought a gift, and the backend, which alone issues the code, has not completed it',
    ru: 'куплен подарок, а бэкенд, который один выпускает код, его не завершил',
  },
  not_active: {
    en: 'it is paid, and the panel does not have the days after all tries',
    ru: 'он оплачен, но после всех попыток в панели нет этих дней',
  },
  unfinished: {
    en: 'another worker completed it and was stopped, so it is not known whether the panel has the days',
    ru: 'другой воркер его завершил и был остановлен, поэтому неизвестно, есть ли дни в панели',
  },
  open_too_long: {
    en: 'it is paid or decided, and it is still not active',
    ru: 'он оплачен или по нему есть решение, но он всё ещё не активен',
  },
} as const satisfies Record<string, Words>;

export type WaitingReason = keyof typeof REASONS;

/** A sentence for the list: why the payment waits, or the state of one that does not. */
export function waitingInWords(
  { detail, reason, status }: { reason: WaitingReason | undefined; status: string; detail?: string | undefined },
  locale: Locale,
): string {
  if (reason === undefined)
    return { en: `Waits for nobody; it is ${status}.`, ru: `Никого не ждёт; состояние ${status}.` }[locale];
  const more = detail === undefined ? '' : ` (${detail})`;
  return { en: `It waits because ${REASONS[reason].en}${more}.`, ru: `Он ждёт: ${REASONS[reason].ru}${more}.` }[locale];
}

/** What each act does. */
const ACTS = {
  check: {
    en: 'looks at it again now',
    ru: 'проверяет его снова сейчас',
  },
  assign: {
    en: 'says which panel user it is for; the worker gives that user the bought days',
    ru: 'указывает, для какого он пользователя панели; воркер выдаст тому купленные дни',
  },
  extend: {
    en: 'has the worker give the days once, in spite of what it waits for, and completes it',
    ru: 'воркер один раз выдаёт дни, несмотря на причину ожидания, и завершает платёж',
  },
  given: {
    en: 'says that a person gave the days; it is completed and the panel is left as it is',
    ru: 'сообщает, что дни выдал человек; платёж завершается, панель не меняется',
  },
  close: {
    en: 'says that nothing remains to be done, as after a refund; no days are given',
    ru: 'сообщает, что делать больше нечего, например после возврата денег; дни не выдаются',
  },
} as const satisfies Record<string, Words>;

export type NamedAct = keyof typeof ACTS;

export const actInWords = (act: NamedAct, locale: Locale): string => ACTS[act][locale];

/** The acts that help, best first. */
export const HELPING: Readonly<Record<WaitingReason, readonly NamedAct[]>> = {
  mismatch: ['extend', 'given', 'close'],
  unresolved: ['assign', 'check', 'given', 'close'],
  in_vain: ['extend', 'given', 'close'],
  given_or_not: ['extend', 'given', 'close'],
  unknown_purchase: ['extend', 'given', 'close'],
  gift_waits: ['check', 'given', 'close'],
  not_active: ['check', 'assign', 'given', 'close'],
  unfinished: ['extend', 'given', 'close'],
  open_too_long: ['check', 'given', 'close'],
};

/** What speaks for a panel user. */
export type CandidateReason =
  | { kind: 'promised' | 'linked' | 'user_uuid' | 'username' }
  | { kind: 'decided'; by: string }
  | { kind: 'hint'; field: string }
  | { kind: 'identity'; scope: 'account' | 'subscription'; key: string | undefined; isTarget: boolean }
  | { kind: 'telegram'; telegramId: number }
  | { kind: 'other_payment'; paymentId: string };

export function candidateReason(reason: CandidateReason, locale: Locale): string {
  switch (reason.kind) {
    case 'promised':
      return { en: 'the days of this payment are promised to it', ru: 'ему обещаны дни этого платежа' }[locale];
    case 'decided':
      return { en: `${reason.by} assigned it`, ru: `назначил ${reason.by}` }[locale];
    case 'hint':
      return {
        en: `the payment names it in metadata.${reason.field}`,
        ru: `платёж называет его в metadata.${reason.field}`,
      }[locale];
    case 'identity':
      return identityInWords(reason, locale);
    case 'linked':
      return { en: 'mobile_users links it to the customer', ru: 'связан с клиентом в mobile_users' }[locale];
    case 'user_uuid':
      return { en: 'user_uuid of the payment', ru: 'user_uuid платежа' }[locale];
    case 'username':
      return { en: 'its username is that of the customer', ru: 'его имя совпадает с именем клиента' }[locale];
    case 'telegram':
      return {
        en: `its Telegram id ${reason.telegramId} is that of the customer`,
        ru: `его Telegram id ${reason.telegramId} совпадает с id клиента`,
      }[locale];
    case 'other_payment':
      return {
        en: `payment ${reason.paymentId} of the same customer was for it`,
        ru: `для него был платёж ${reason.paymentId} того же клиента`,
      }[locale];
  }
}

function identityInWords(
  { isTarget, key, scope }: Extract<CandidateReason, { kind: 'identity' }>,
  locale: Locale,
): string {
  const named = key === undefined ? scope : `${scope} ${key}`;
  const target = isTarget ? { en: ', which this payment is for', ru: ', для которой этот платёж' }[locale] : '';
  return {
    en: `service identity of the customer: ${named}${target}`,
    ru: `service identity клиента: ${named}${target}`,
  }[locale];
}

/** The platform names a panel user that the panel does not have. */
export function missingCandidate(name: string, reason: CandidateReason, locale: Locale): string {
  const why = candidateReason(reason, locale);
  return { en: `The panel has no user ${name} (${why}).`, ru: `В панели нет пользователя ${name} (${why}).` }[locale];
}

export const panelSilent = (problem: string, locale: Locale): string =>
  ({
    en: `The panel did not tell of all users, so others may be there: ${problem}`,
    ru: `Панель сообщила не обо всех пользователях, могут быть и другие: ${problem}`,
  })[locale];

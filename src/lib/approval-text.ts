import type { Locale } from './locale.ts';
import { howMany } from './quantities.ts';

type Text = Readonly<Record<Locale, string>>;

/** What people are told of an act that waits for a second person. */
export type ApprovalFacts = {
  kind: string;
  /** The task, or the name of the broadcast. */
  subject: string;
  /** Undefined for all that there are. */
  touches: number | undefined;
};

const KINDS: Readonly<Record<string, Text>> = {
  execute_bulk_user_operation: { en: 'delete users', ru: 'удалить пользователей' },
  execute_bulk_broadcast: { en: 'message to all customers', ru: 'сообщение всем клиентам' },
};
const BROADCAST: Text = { en: 'broadcast to all customers', ru: 'рассылка всем клиентам' };

/** Names an act and how many it touches, in one phrase. */
export function approvalText({ kind, subject, touches }: ApprovalFacts, locale: Locale): string {
  const what = kind === 'broadcast' ? `${BROADCAST[locale]} «${subject}»` : (KINDS[subject]?.[locale] ?? subject);
  return touches === undefined ? what : `${what}, ${howMany(touches, 'user', locale)}`;
}

const SENTENCES = {
  unknown: { en: 'There is no such approval.', ru: 'Такого запроса нет.' },
  refused_self: {
    en: 'A second person must say yes: who asked for it cannot, by no other way either.',
    ru: '«Да» должен сказать второй человек: тот, кто просил, не может сделать это никаким путём.',
  },
  unknown_person: {
    en: 'A second person must say yes, and it is not known whose Telegram account this is: ADMIN_TELEGRAM_IDS says it as id:role:name.',
    ru: '«Да» должен сказать второй человек, а чей это аккаунт Telegram, неизвестно: это указывают в ADMIN_TELEGRAM_IDS как id:role:name.',
  },
  changed: {
    en: 'The digest is that of another act; look at what waits and decide about that.',
    ru: 'Отпечаток от другого действия; посмотрите, что ждёт, и решите об этом.',
  },
  impossible: { en: 'It cannot be done any more.', ru: 'Это уже невозможно выполнить.' },
  over: {
    en: 'It was decided before, or waited too long; nothing was changed.',
    ru: 'Это решено раньше или ждало слишком долго; ничего не изменено.',
  },
} as const satisfies Readonly<Record<string, Text>>;

/** Why a yes or a no was not taken. */
export const approvalRefusal = (why: keyof typeof SENTENCES, locale: Locale): string => SENTENCES[why][locale];

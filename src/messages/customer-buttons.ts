import type { Locale } from '../lib/locale.ts';
import { isTelegramAddress } from '../lib/telegram-html-problem.ts';
import type { Subject } from './queued-text.ts';
import type { House } from './wording.ts';

type Button = { text: string; url: string };

const WORDS: Readonly<Record<'renew' | 'traffic' | 'pay' | 'support', Readonly<Record<Locale, string>>>> = {
  renew: { en: 'Renew', ru: 'Продлить' },
  traffic: { en: 'Add traffic', ru: 'Добавить трафик' },
  pay: { en: 'Pay now', ru: 'Оплатить' },
  support: { en: 'Support', ru: 'Поддержка' },
};

/** What the first button of a message about this is for. */
const FIRST: Readonly<Record<Subject['kind'], 'renew' | 'traffic' | 'pay' | undefined>> = {
  reminder: 'renew',
  expired: 'renew',
  traffic: 'traffic',
  renewal: 'pay',
  unpaid: 'renew',
  receipt: undefined,
  late: undefined,
  reset: undefined,
};

/**
 * The buttons under a message to a customer: none in an installation that has set neither address. They follow from what the message is
 * about when it is sent, because a row of `notification_queue` has no column for them. An address that Telegram does not take has none.
 */
export function customerButtons(subject: Subject, { renewUrl, supportUrl }: House): Button[][] | undefined {
  if (renewUrl === undefined && supportUrl === undefined) return undefined;
  const first = FIRST[subject.kind];
  const url = subject.kind === 'renewal' ? subject.payUrl : renewUrl;
  const button = (name: keyof typeof WORDS, to: string | undefined): Button[][] =>
    to !== undefined && isTelegramAddress(to) ? [[{ text: WORDS[name][subject.locale], url: to }]] : [];
  const rows = [...(first ? button(first, url) : []), ...button('support', supportUrl)];
  return rows.length > 0 ? rows : undefined;
}

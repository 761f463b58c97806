import type { Locale } from './locale.ts';

export type TextWords = Readonly<Record<Locale, string>>;

/** What a text may name. */
export type TextVariable = {
  meaning: TextWords;
  /** Not known of every customer: a line that names it is then left out. */
  isOptional?: true;
  /** Without it the message is of no use. */
  isRequired?: true;
  /** A piece with tags of its own, which cannot stand within a tag. */
  isMarkup?: true;
};

/** Every variable of the texts to customers, so that one thing has one name in all of them. */
export const VARIABLES = {
  username: { meaning: { en: 'name of the subscription', ru: 'имя подписки' } },
  time_left: { meaning: { en: 'how long is left, as “in 5 hours”', ru: 'сколько осталось, как «через 5 часов»' } },
  expires_at: { meaning: { en: 'when the subscription ends or ended', ru: 'когда подписка кончается или кончилась' } },
  icon: {
    meaning: { en: '🔴 within a day, 🟡 within three, 🟢 beyond', ru: '🔴 в пределах суток, 🟡 трёх, 🟢 дальше' },
  },
  renew_line: {
    meaning: {
      en: 'link to renew; where no address is known, how to do it in the bot',
      ru: 'ссылка на продление; если адреса нет — как продлить в боте',
    },
    isMarkup: true,
  },
  renew_url: {
    meaning: { en: 'address where one renews', ru: 'адрес, где продлевают' },
    isOptional: true,
  },
  traffic_line: {
    meaning: {
      en: 'link to add traffic; where no address is known, how to do it in the bot',
      ru: 'ссылка, чтобы добавить трафик; если адреса нет — как это сделать в боте',
    },
    isMarkup: true,
  },
  limit: { meaning: { en: 'traffic that was allowed', ru: 'объём трафика' } },
  count: { meaning: { en: 'how many subscriptions', ru: 'сколько подписок' } },
  lines: {
    meaning: { en: 'a line for each subscription: name, when', ru: 'строка на каждую подписку: имя и срок' },
    isRequired: true,
    isMarkup: true,
  },
  plan: { meaning: { en: 'name of the plan', ru: 'название тарифа' }, isOptional: true },
  amount: { meaning: { en: 'amount with currency', ru: 'сумма с валютой' } },
  bought: {
    meaning: { en: 'what was bought, where it is no period', ru: 'что куплено, если не период' },
    isOptional: true,
  },
  days: { meaning: { en: 'how many days were bought', ru: 'сколько дней куплено' }, isOptional: true },
  end_line: {
    meaning: { en: 'until when the subscription is active', ru: 'до какого времени подписка активна' },
    isOptional: true,
    isMarkup: true,
  },
  thanks: { meaning: { en: 'thanks, and that it is active', ru: 'благодарность и то, что подписка активна' } },
  pay_url: { meaning: { en: 'address of the invoice', ru: 'адрес счёта' }, isRequired: true },
  pay_before: {
    meaning: { en: 'until when it can be paid', ru: 'до какого времени можно оплатить' },
    isOptional: true,
  },
  code: { meaning: { en: 'the code', ru: 'код' }, isRequired: true },
  link: { meaning: { en: 'the link to sign in', ru: 'ссылка для входа' }, isRequired: true },
  or_code: {
    meaning: { en: '“Or enter this code:”, where there is a code', ru: '«Или введите код:», если код есть' },
    isOptional: true,
  },
  code_too: { meaning: { en: 'the code, where there is one', ru: 'код, если он есть' }, isOptional: true },
  valid_for: { meaning: { en: 'how long it is valid', ru: 'сколько действует' } },
} as const satisfies Record<string, TextVariable>;

/** What every text may name. */
export const BRAND = {
  brand: { meaning: { en: 'your brand (BRAND_NAME)', ru: 'ваше имя (BRAND_NAME)' } },
  support_url: {
    meaning: { en: 'address of support (SUPPORT_URL)', ru: 'адрес поддержки (SUPPORT_URL)' },
    isOptional: true,
  },
} as const satisfies Record<string, TextVariable>;

import { days } from '../lib/duration.ts';
import { type Html, html, join } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { bytesText, inTime } from '../lib/quantities.ts';
import { BUILT_IN_WORDING, type Wording } from './wording.ts';

/** The facts of a subscription that every message about it states. */
export type SubscriptionFacts = {
  /** The panel user's name: one person can have several. */
  username: string;
  expiresAt: Date;
  /** Opens the bot where the subscription is renewed; absent where the bot's name is not known. */
  renewUrl?: string | undefined;
};

/** To the customer: the subscription ends soon. `now` is what the distance is counted from. */
export function subscriptionExpiring(
  subscription: SubscriptionFacts,
  now: Date,
  locale: Locale,
  wording: Wording = BUILT_IN_WORDING,
): Html {
  const left = subscription.expiresAt.getTime() - now.getTime();
  return wording.write('reminder', locale, {
    ...subscriptionValues(subscription, locale, wording),
    ...renewal(subscription, locale, wording),
    icon: urgency(left),
    time_left: inTime(left, locale),
  });
}

/** To the customer: several subscriptions of theirs end soon, the first one first. */
export function subscriptionsExpiring(
  subscriptions: readonly SubscriptionFacts[],
  now: Date,
  locale: Locale,
  wording: Wording = BUILT_IN_WORDING,
): Html {
  const left = ({ expiresAt }: SubscriptionFacts): number => expiresAt.getTime() - now.getTime();
  const inOrder = subscriptions.toSorted((a, b) => left(a) - left(b));
  const lines = inOrder.map(
    (one) =>
      html`• <code>${one.username}</code> – ${inTime(left(one), locale)}, <b>${wording.minute(one.expiresAt, locale)}</b>`,
  );
  return several('reminder_several', inOrder, lines, locale, wording, { icon: urgency(left(inOrder[0]!)) });
}

/** To the customer: the subscription has ended. */
export function subscriptionExpired(
  subscription: SubscriptionFacts,
  locale: Locale,
  wording: Wording = BUILT_IN_WORDING,
): Html {
  return wording.write('expired', locale, {
    ...subscriptionValues(subscription, locale, wording),
    ...renewal(subscription, locale, wording),
  });
}

/** To the customer: several subscriptions of theirs have ended. */
export function subscriptionsExpired(
  subscriptions: readonly SubscriptionFacts[],
  locale: Locale,
  wording: Wording = BUILT_IN_WORDING,
): Html {
  const inOrder = subscriptions.toSorted((a, b) => a.expiresAt.getTime() - b.expiresAt.getTime());
  const lines = inOrder.map(
    ({ expiresAt, username }) => html`• <code>${username}</code> – <b>${wording.minute(expiresAt, locale)}</b>`,
  );
  return several('expired_several', inOrder, lines, locale, wording);
}

/** To the customer: the traffic is used up, so nothing goes through until it starts again or grows. */
export function trafficUsedUp(
  subscription: SubscriptionFacts & { limitBytes: number },
  locale: Locale,
  wording: Wording = BUILT_IN_WORDING,
): Html {
  const renewUrl = renewUrlOf(subscription, wording);
  const link = { en: 'Add traffic', ru: 'Добавить трафик' }[locale];
  const menu = {
    en: 'To add traffic, open the menu of this bot.',
    ru: 'Чтобы добавить трафик, откройте меню этого бота.',
  }[locale];
  return wording.write('traffic_used_up', locale, {
    ...subscriptionValues(subscription, locale, wording),
    limit: bytesText(subscription.limitBytes, locale),
    traffic_line: linkOr(renewUrl, link, menu),
    renew_url: renewUrl,
  });
}

/** To the customer: the monthly traffic starts again. */
export const trafficReset = (locale: Locale, wording: Wording = BUILT_IN_WORDING): Html =>
  wording.write('traffic_reset', locale, {});

/** Red within a day, yellow within three, green beyond. */
function urgency(leftMs: number): string {
  if (leftMs <= days(1)) return '🔴';
  return leftMs <= days(3) ? '🟡' : '🟢';
}

const RENEW: Readonly<Record<Locale, { link: string; menu: string }>> = {
  en: { link: 'Renew', menu: 'To renew, open the menu of this bot.' },
  ru: { link: 'Продлить', menu: 'Чтобы продлить, откройте меню этого бота.' },
};

const subscriptionValues = ({ expiresAt, username }: SubscriptionFacts, locale: Locale, wording: Wording) => ({
  username,
  expires_at: wording.minute(expiresAt, locale),
});

const renewUrlOf = ({ renewUrl }: SubscriptionFacts, { house }: Wording): string | undefined =>
  house.renewUrl ?? renewUrl;

function renewal(subscription: SubscriptionFacts, locale: Locale, wording: Wording) {
  const { link, menu } = RENEW[locale];
  const url = renewUrlOf(subscription, wording);
  return { renew_line: linkOr(url, link, menu), renew_url: url };
}

const linkOr = (url: string | undefined, link: string, menu: string): Html =>
  url ? html`👉 <a href="${url}">${link}</a>` : html`${menu}`;

function several(
  name: 'reminder_several' | 'expired_several',
  subscriptions: readonly SubscriptionFacts[],
  lines: readonly Html[],
  locale: Locale,
  wording: Wording,
  more: { icon?: string } = {},
): Html {
  return wording.write(name, locale, {
    ...renewal(subscriptions[0]!, locale, wording),
    count: subscriptions.length,
    lines: join(lines, '\n'),
    ...more,
  });
}

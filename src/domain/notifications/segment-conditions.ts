import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days } from '../../lib/duration.ts';
import type { Segment } from '../../lib/segment.ts';

/** What the panel's part of the conditions is held against. */
export type PanelFacts = {
  now: Date;
  /** The country of each node, by its uuid. */
  countries: ReadonlyMap<string, string>;
};

/** What the platform knows of a chat. */
export type ChatFacts = {
  language: 'en' | 'ru';
  /** The last payment that was completed. */
  bought?: { planId: string | undefined; at: Date } | undefined;
};

/** Whether a condition is asked of the panel. Without one, customers whom the panel does not have belong to the segment as well. */
export const asksPanel = ({ connected, countries, ends, nodes, silent_days, status, tags }: Segment): boolean =>
  [connected, countries, ends, nodes, silent_days, status, tags].some((condition) => condition !== undefined);

/** Whether a panel user meets what is asked of the panel. */
export function meetsAtPanel(segment: Segment, user: PanelUser, { countries, now }: PanelFacts): boolean {
  const { connected, ends, nodes, silent_days: silentDays, status, tags } = segment;
  const endsInMs = user.expireAt.getTime() - now.getTime();
  const country = user.lastNode === undefined ? undefined : countries.get(user.lastNode);
  return (
    isOneOf(status, user.status) &&
    (ends?.from_days === undefined || endsInMs >= days(ends.from_days)) &&
    (ends?.to_days === undefined || endsInMs < days(ends.to_days)) &&
    (connected === undefined || (connected === 'ever') === (user.onlineAt !== undefined)) &&
    (silentDays === undefined || (user.onlineAt !== undefined && isOlder(user.onlineAt, silentDays, now))) &&
    isOneOf(tags, user.tag) &&
    isOneOf(nodes, user.lastNode) &&
    isOneOf(segment.countries, country)
  );
}

/** Whether a chat meets what is asked of the platform. */
export function meetsAtPlatform(segment: Segment, { bought, language }: ChatFacts, now: Date): boolean {
  const { languages, not_paid_within_days: notPaidDays, paid_within_days: paidDays, plans } = segment;
  return (
    isOneOf(languages, language) &&
    isOneOf(plans, bought?.planId) &&
    (paidDays === undefined || (bought !== undefined && !isOlder(bought.at, paidDays, now))) &&
    (notPaidDays === undefined || bought === undefined || isOlder(bought.at, notPaidDays, now))
  );
}

const isOneOf = <T>(allowed: readonly T[] | undefined, value: T | undefined): boolean =>
  allowed === undefined || (value !== undefined && allowed.includes(value));

const isOlder = (at: Date, dayCount: number, now: Date): boolean => now.getTime() - at.getTime() > days(dayCount);

import { z } from 'zod';
import type { PanelUser } from '../../clients/remnawave/types.ts';
import { days } from '../../lib/duration.ts';

const YEARS_DAYS = 3_650;
const LISTED = 200;
const MOST_CHATS = 500_000;

const daysOf = z.int().min(0).max(YEARS_DAYS);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(LISTED);

/**
 * Conditions that a customer must all meet. Of a list, one entry is enough. No condition means every customer. Those of the first group are
 * asked of the panel: a person with several panel users is in the segment where one of them meets all of these.
 */
export const Segment = z
  .strictObject({
    status: listOf(z.enum(['ACTIVE', 'DISABLED', 'LIMITED', 'EXPIRED'])).optional().describe('State at the panel'),
    ends: z
      .strictObject({
        from_days: z.int().min(-YEARS_DAYS).max(YEARS_DAYS).optional(),
        to_days: z.int().min(-YEARS_DAYS).max(YEARS_DAYS).optional(),
      })
      .refine(({ from_days: from, to_days: to }) => from === undefined || to === undefined || from < to, {
        error: 'from_days must be less than to_days',
      })
      .optional()
      .describe('When the subscription ends, in days from the moment of sending; negative numbers are in the past'),
    connected: z
      .enum(['never', 'ever'])
      .optional()
      .describe('Whether the customer has ever been connected; `never` finds those who bought and did not begin'),
    silent_days: daysOf.min(1).optional().describe('Has been connected, and not in so many days'),
    tags: listOf(z.string().min(1).max(50)).optional().describe('Tags at the panel'),
    nodes: listOf(z.string().min(1).max(100)).optional().describe('Uuids of nodes: the last one that was used'),
    countries: listOf(z.string().regex(/^[A-Z]{2}$/, { error: 'must be a country code such as DE' }))
      .optional()
      .describe('Countries of nodes: that of the last one that was used'),
    plans: listOf(z.guid()).optional().describe('Ids of plans: the one that was bought last'),
    paid_within_days: daysOf.min(1).optional().describe('Has paid within so many days'),
    not_paid_within_days: daysOf.min(1).optional().describe('Has not paid within so many days, or never'),
    languages: listOf(z.enum(['en', 'ru']))
      .optional()
      .describe('Language of the customer; the default one where it is not known'),
    telegram_ids: z
      .array(z.int().positive())
      .min(1)
      .max(MOST_CHATS)
      .optional()
      .describe('Only these chats; duplicates count once'),
    missed: z.guid().optional().describe('Only the chats that this broadcast did not reach'),
  })
  .describe('Conditions that must all be met; none at all means every customer');

export type Segment = z.output<typeof Segment>;

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

import { z } from 'zod';

const YEARS_DAYS = 3_650;
const LISTED = 200;
const MOST_CHATS = 500_000;

const daysOf = z.int().min(0).max(YEARS_DAYS);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).min(1).max(LISTED);

/**
 * Conditions that a customer must all meet. Of a list, one entry is enough. No condition means every customer. Those of the first group are
 * asked of the panel: a person with several panel users is in the segment where one of them meets all of these.
 */
export const SegmentConditions = z
  .strictObject({
    status: listOf(z.enum(['ACTIVE', 'DISABLED', 'LIMITED', 'EXPIRED']))
      .optional()
      .describe('State at the panel'),
    ends: z
      .strictObject({
        from_days: z.int().min(-YEARS_DAYS).max(YEARS_DAYS).optional(),
        to_days: z.int().min(-YEARS_DAYS).max(YEARS_DAYS).optional(),
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

export type Segment = z.output<typeof SegmentConditions>;

/** Whether conditions leave nobody out: there is none, or each lists all that there is. */
export const isEverybody = ({ languages, status, ...others }: Segment): boolean =>
  Object.values(others).every((condition) => condition === undefined) &&
  (languages === undefined || new Set(languages).size === 2) &&
  (status === undefined || new Set(status).size === 4);

/** Why conditions make no sense, in words that go behind their name; undefined where nothing is wrong. */
export const segmentProblem = ({ ends: { from_days: from, to_days: to } = {} }: Segment): string | undefined =>
  from !== undefined && to !== undefined && from >= to ? '.ends: from_days must be less than to_days' : undefined;

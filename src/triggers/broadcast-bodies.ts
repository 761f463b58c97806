import { z } from 'zod';
import { SegmentConditions } from '../lib/segment.ts';
import type { BroadcastDraft, KeptSegment, PlannedBroadcast } from '../repositories/history/planned-broadcasts.ts';
import { MOST_HELD_OUT_PERCENT } from './broadcasts.ts';
import { line } from './text-fields.ts';

const text = z
  .string()
  .min(1)
  .max(100_000)
  .describe("Telegram's HTML; {username}, {days_left}, {expires_at} and {plan} stand for values of the reader");

/** What a draft is made of. */
export const BroadcastDraftFields = {
  name: line(100).describe('For staff; customers do not see it'),
  segment: SegmentConditions,
  texts: z
    .union([z.strictObject({ en: text, ru: text.optional() }), z.strictObject({ en: text.optional(), ru: text })])
    .describe('Readers of the other language get the text that there is')
    .meta({
      'x-example': {
        en: 'Hello {username}, {days_left} are left',
        ru: 'Здравствуйте, {username}! Осталось {days_left}',
      },
    }),
  holdout_percent: z
    .int()
    .min(0)
    .max(MOST_HELD_OUT_PERCENT)
    .default(0)
    .describe('So many of a hundred chats get nothing, to see what the message earned'),
};

export const BroadcastDraftBody = z.strictObject({
  ...BroadcastDraftFields,
  id: z.guid().optional().describe('The same one again adds nothing'),
});

export const BroadcastBody = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['draft', 'scheduled', 'sending', 'paused', 'cancelled', 'done']),
  segment: z.unknown().describe('The conditions, as they were given'),
  texts: z.object({ en: z.string().optional(), ru: z.string().optional() }),
  holdout_percent: z.int(),
  send_at: z.iso.datetime().nullable(),
  created_by: z.string(),
  created_at: z.iso.datetime(),
  sent_by: z.string().nullable(),
  begun_at: z.iso.datetime().nullable(),
  ended_at: z.iso.datetime().nullable(),
});

const Counts = z.object({
  told: z.int().describe('Queued; once it is over, delivered'),
  held_out: z.int().describe('Got nothing by choice'),
  unreachable: z.int().describe('Telegram was known to refuse them'),
  without_values: z.int().describe('The text names something that is not known of them'),
  missed: z.int().describe('Telegram did not take the message'),
  withdrawn: z.int().describe('Taken back when it was cancelled'),
});

const Group = z.object({ chats: z.int(), paid: z.int() });
export const BroadcastDetailsBody = BroadcastBody.extend({
  chats: Counts,
  messages: z.object({
    sent: z.int(),
    failed: z.int(),
    pending: z.int(),
    paused: z.int(),
    withdrawn: z.int(),
    total: z.int(),
  }),
  earned: z
    .object({ days: z.int(), told: Group, held_out: Group })
    .nullable()
    .describe('Who paid within so many days of its beginning'),
});

export const BroadcastEstimateBody = z.object({
  chats: z.int().describe('Chats of the segment, each once'),
  told: z.int(),
  held_out: z.int(),
  unreachable: z.int(),
  without_values: z.int(),
  unreachable_reasons: z.record(z.string(), z.int()),
  languages: z.object({ en: z.int(), ru: z.int() }),
  seconds: z.number().describe('Until the last message is out, behind what waits in the queue now'),
  sample: z.array(z.object({ telegram_id: z.int(), username: z.string().nullable(), text: z.string() })),
});

export const BroadcastStateBody = z.object({
  id: z.string(),
  state: BroadcastBody.shape.state,
  approval: z
    .object({ id: z.guid(), expires_at: z.iso.datetime() })
    .optional()
    .describe('It waits for a second person, and is a draft before'),
});
export const SegmentBody = z.object({
  name: z.string(),
  conditions: z.unknown(),
  saved_by: z.string(),
  saved_at: z.iso.datetime(),
});
type Draft = z.output<z.ZodObject<typeof BroadcastDraftFields>>;

/** Takes the draft out of a body. */
export const broadcastDraft = ({ holdout_percent: holdoutPercent, name, segment, texts }: Draft): BroadcastDraft => ({
  ...{ holdoutPercent, name, segment, texts },
});

export function broadcastBody(broadcast: PlannedBroadcast): z.output<typeof BroadcastBody> {
  const { begunAt, createdAt, createdBy, endedAt, holdoutPercent, id, name, segment, sendAt, sentBy, state, texts } =
    broadcast;
  const time = (at: Date | undefined): string | null => at?.toISOString() ?? null;
  return {
    ...{ id, name, state, segment, texts },
    holdout_percent: holdoutPercent,
    send_at: time(sendAt),
    created_by: createdBy,
    created_at: createdAt.toISOString(),
    sent_by: sentBy ?? null,
    begun_at: time(begunAt),
    ended_at: time(endedAt),
  };
}

export const segmentBody = ({ conditions, name, savedAt, savedBy }: KeptSegment): z.output<typeof SegmentBody> => ({
  ...{ name, conditions, saved_by: savedBy, saved_at: savedAt.toISOString() },
});

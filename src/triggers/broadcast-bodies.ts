import { z } from 'zod';
import { SegmentConditions } from '../lib/segment.ts';
import type { BroadcastDraft, PlannedBroadcast } from '../repositories/history/planned-broadcasts.ts';
import type { KeptSegment } from '../repositories/history/saved-segments.ts';
import { MOST_HELD_OUT_PERCENT } from './broadcasts.ts';
import { line } from './text-fields.ts';

const text = z
  .string()
  .min(1)
  .max(100_000)
  .describe("Telegram's HTML; {username}, {days_left}, {expires_at} and {plan} stand for values of the reader");

/** As Telegram takes it: `https://` with a host that has a dot, `t.me/…` or `tg://…`. Messengers of customers open nothing else safely. */
export const BUTTON_URL =
  /^(?:https:\/\/[^\s/?#@:.]+(?:\.[^\s/?#@:.]+)+(?::\d{1,5})?(?:[/?#]\S*)?|t\.me\/\S+|tg:\/\/\S+)$/;
export const MOST_BUTTONS = 10;
export const BUTTON_TEXT = line(64);
export const BUTTON_URL_CHARACTERS = 2_048;
export const MOST_STARS = 1_000_000;

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
  buttons: z
    .array(
      z.strictObject({
        text: BUTTON_TEXT,
        url: z
          .string()
          .max(BUTTON_URL_CHARACTERS)
          .regex(BUTTON_URL, { error: 'must begin with https://, t.me/ or tg://' })
          .meta({ 'x-example': 'https://example.org/renew' }),
      }),
    )
    .max(MOST_BUTTONS)
    .default([])
    .describe('Links under each message, one a row'),
  picture: z.guid().optional().describe('Id of a picture that was uploaded; the texts are its captions then'),
  paid: z
    .strictObject({
      stars_limit: z
        .int()
        .min(1)
        .max(MOST_STARS)
        .describe('It is paused when it may have cost so many Stars: 0.1 for each message'),
    })
    .optional()
    .describe('Send it at the paid rate of TELEGRAM_PAID_RATE_PER_SECOND, which costs Stars of the bot'),
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
  buttons: z.array(z.object({ text: z.string(), url: z.string() })),
  picture: z.string().nullable(),
  stars_limit: z.int().nullable().describe('Null: at the regular rate, for nothing'),
  paid_messages: z.int().describe('Messages that were marked as paid'),
  held_because: z
    .enum(['stars', 'paid_not_allowed', 'late'])
    .nullable()
    .describe(
      'Why the worker paused it: it has cost what it may, or the bot may send no paid ones (resumed, it goes on at the regular rate), or nobody could send it within `NOTIFICATION_STALE_HOURS` of its time',
    ),
  holdout_percent: z.int(),
  send_at: z.iso.datetime().nullable(),
  created_by: z.string(),
  created_at: z.iso.datetime(),
  sent_by: z.string().nullable(),
  begun_at: z.iso.datetime().nullable(),
  ended_at: z.iso.datetime().nullable(),
  deletion_asked_at: z.iso.datetime().nullable(),
  deletion_ended_at: z.iso.datetime().nullable(),
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
  deletion: z
    .object({
      deleted: z.int(),
      not_found: z.int().describe('Telegram did not find the message'),
      cannot_be_deleted: z.int().describe('Telegram does not let it be deleted'),
      chat_refuses: z.int().describe('The chat cannot be reached any more'),
      too_old: z.int().describe('Sent more than 48 hours ago'),
      left: z.int().describe('Still to be deleted'),
      unknown: z.int().describe('Nobody knows under which id it arrived'),
    })
    .nullable()
    .describe('What became of what was sent, in chats; null where nobody has asked to delete it'),
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
  stars: z.number().nullable().describe('At most so many at the paid rate; null at the regular one'),
  goes_out_at: z.iso.datetime().describe('When it would begin, if it were sent now: after the quiet hours'),
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

export const PictureBody = z.object({
  id: z.string().describe('Follows from the content: the same picture has the same id'),
  type: z.enum(['image/jpeg', 'image/png', 'image/webp']),
  width: z.int(),
  height: z.int(),
  bytes: z.int(),
});

export const SegmentBody = z.object({
  name: z.string(),
  conditions: z.unknown(),
  saved_by: z.string(),
  saved_at: z.iso.datetime(),
});
type Draft = z.output<z.ZodObject<typeof BroadcastDraftFields>>;

/** Takes the draft out of a body. */
export const broadcastDraft = ({ holdout_percent: holdoutPercent, paid, ...draft }: Draft): BroadcastDraft => {
  const { buttons, name, picture, segment, texts } = draft;
  return { buttons, holdoutPercent, name, picture, segment, texts, starsLimit: paid?.stars_limit };
};

export function broadcastBody(broadcast: PlannedBroadcast): z.output<typeof BroadcastBody> {
  const { begunAt, createdAt, createdBy, deletionAskedAt, deletionEndedAt, endedAt, sendAt, sentBy } = broadcast;
  const { buttons, heldBecause, holdoutPercent, id, name, paidMessages, picture, segment, starsLimit, state, texts } =
    broadcast;
  const time = (at: Date | undefined): string | null => at?.toISOString() ?? null;
  return {
    ...{ id, name, state, segment, texts },
    buttons: buttons.map(({ text, url }) => ({ text, url })),
    picture: picture ?? null,
    stars_limit: starsLimit ?? null,
    paid_messages: paidMessages,
    held_because: heldBecause ?? null,
    deletion_asked_at: time(deletionAskedAt),
    deletion_ended_at: time(deletionEndedAt),
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

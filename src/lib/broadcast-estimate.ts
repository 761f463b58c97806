import { z } from 'zod';

const count = z.int().min(0);

/** What a broadcast would do if it were sent now. It is kept with the draft as it was counted. */
export const EstimateFields = z.object({
  /** Chats of the segment, each once. */
  chats: count,
  parts: z.object({ told: count, held_out: count, unreachable: count, without_values: count }),
  /** Why Telegram refuses chats, by reason. */
  unreachable: z.record(z.string(), count),
  languages: z.object({ en: count, ru: count }),
  /** Until the last message is out, behind what waits in the queue then. */
  tookMs: z.number(),
  /** At most so many Stars at the paid rate; absent at the regular one. */
  stars: z.number().optional(),
  /** The first of those who are told, with the text as they read it. */
  sample: z.array(z.object({ chat: z.int(), username: z.string().optional(), text: z.string() })),
});

export type BroadcastEstimate = z.output<typeof EstimateFields>;

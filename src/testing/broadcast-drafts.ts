import type { BroadcastDraft } from '../repositories/history/planned-broadcasts.ts';

/** A draft to every customer, with a text and nothing else. */
export const broadcastOf = (draft: Partial<BroadcastDraft> = {}): BroadcastDraft => ({
  ...{ name: 'news', segment: {}, texts: { en: 'news' }, holdoutPercent: 0, buttons: [] },
  ...{ picture: undefined, starsLimit: undefined },
  ...draft,
});

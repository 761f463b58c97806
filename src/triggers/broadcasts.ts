import type { Locale } from '../lib/locale.ts';
import type { Segment } from '../lib/segment.ts';
import type { BroadcastCounts } from '../repositories/broadcast-rows.ts';
import type {
  BroadcastDraft,
  BroadcastState,
  BroadcastTexts,
  Earned,
  PlannedBroadcast,
  PlannedBroadcasts,
} from '../repositories/history/planned-broadcasts.ts';

/** The most of a hundred chats that may be left out to see what a message earned. */
export const MOST_HELD_OUT_PERCENT = 90;

/** A broadcast may be planned so far ahead. */
export const MOST_DAYS_AHEAD = 366;

export const BROADCAST_ACTS = ['pause', 'resume', 'cancel'] as const;
export type BroadcastAct = (typeof BROADCAST_ACTS)[number];

/** What decides who gets which text. */
export type BroadcastPlan = { id: string; segment: Segment; texts: BroadcastTexts; holdoutPercent: number };

/** What a broadcast would do if it were sent now. */
export type BroadcastEstimate = {
  /** Chats of the segment, each once. */
  chats: number;
  parts: Readonly<Record<'told' | 'held_out' | 'unreachable' | 'without_values', number>>;
  /** Why Telegram refuses chats, by reason. */
  unreachable: Readonly<Record<string, number>>;
  languages: Readonly<Record<Locale, number>>;
  /** Until the last message is out, behind what waits in the queue now. */
  tookMs: number;
  /** The first of those who are told, with the text as they read it. */
  sample: readonly { chat: number; username: string | undefined; text: string }[];
};

/** What became of the payments of those who were told, against those who were not. */
export type EarnedSince = Earned & { days: number };

/** Planned broadcasts as doors see them. They need our own schema: `HistoryContext.missing` is asked before. */
export type BroadcastsContext = {
  planned: Pick<
    PlannedBroadcasts,
    'change' | 'contentOf' | 'countParts' | 'dropSegment' | 'find' | 'list' | 'missed' | 'saveSegment' | 'segments'
  >;
  /** Keeps a draft. False where there is a broadcast with this id. */
  add(id: string, draft: BroadcastDraft, by: string): Promise<boolean>;
  /** Writes nothing. Throws where panel or database do not answer. */
  estimate(plan: BroadcastPlan): Promise<BroadcastEstimate>;
  /** A text with values that stand for those of a customer. */
  preview(text: string, locale: Locale): string;
  /** Why a text cannot be sent, in words that go behind the name of its field. */
  whyWrong(text: string, locale: Locale): string | undefined;
  /** Has one message sent to one chat, as a customer would read it. Answers the job. */
  test(text: string, locale: Locale, chat: number, by: string): Promise<string>;
  /**
   * Has a draft sent at this time, now where it is past. With `content` only where it is still what that stands for. Answers the state it is
   * in then; undefined where there is no such broadcast.
   */
  send(id: string, at: Date, by: string, content?: string): Promise<BroadcastState | undefined>;
  /** Answers the state it is in then; undefined where there is no such broadcast. */
  say(id: string, act: BroadcastAct, by: string): Promise<BroadcastState | undefined>;
  /** How far its messages are. */
  look(id: string): Promise<BroadcastCounts & { total: number }>;
  /** Counts those who paid within seven days of its beginning; undefined before it has begun. */
  earned(broadcast: PlannedBroadcast): Promise<EarnedSince | undefined>;
};

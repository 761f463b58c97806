import type { BroadcastEstimate } from '../lib/broadcast-estimate.ts';
import type { Locale } from '../lib/locale.ts';
import type { Segment } from '../lib/segment.ts';
import type { BroadcastCounts } from '../repositories/broadcast-rows.ts';
import type { DeletionCounts } from '../repositories/history/broadcast-deliveries.ts';
import type { Earned } from '../repositories/history/broadcast-figures.ts';
import type { BroadcastPictures } from '../repositories/history/broadcast-pictures.ts';
import type {
  BroadcastDraft,
  BroadcastState,
  BroadcastTexts,
  PlannedBroadcast,
  PlannedBroadcasts,
} from '../repositories/history/planned-broadcasts.ts';
import type { SavedSegments } from '../repositories/history/saved-segments.ts';

/** The most of a hundred chats that may be left out to see what a message earned. */
export const MOST_HELD_OUT_PERCENT = 90;

/** A broadcast may be planned so far ahead. */
export const MOST_DAYS_AHEAD = 366;

export const BROADCAST_ACTS = ['pause', 'resume', 'cancel'] as const;
export type BroadcastAct = (typeof BROADCAST_ACTS)[number];

/** What decides who gets which text. */
export type BroadcastPlan = {
  id: string;
  segment: Segment;
  texts: BroadcastTexts;
  holdoutPercent: number;
  /** Undefined: at the regular rate. */
  starsLimit: number | undefined;
};

/** An estimate, and when it was counted. */
export type CountedEstimate = { estimate: BroadcastEstimate; at: Date };

/** Pictures are looked at by their content. The limits are Telegram's (https://core.telegram.org/bots/api#sendphoto). */
export type PictureProblem = 'no_picture' | 'too_big' | 'wrong_sides';

/** Why a draft cannot be kept: the field, and words in English and Russian that go behind its name. */
export type DraftProblem = { field: 'paid' | 'picture' | `texts.${Locale}`; why: Readonly<Record<Locale, string>> };

/** What became of the payments of those who were told, against those who were not. */
export type EarnedSince = Earned & { days: number };

/** Planned broadcasts as doors see them. They need our own schema: `HistoryContext.missing` is asked before. */
export type BroadcastsContext = {
  planned: Pick<PlannedBroadcasts, 'change' | 'contentOf' | 'countParts' | 'find' | 'held' | 'list' | 'missed'>;
  segments: Pick<SavedSegments, 'drop' | 'list' | 'save'>;
  pictures: Pick<BroadcastPictures, 'content' | 'find'>;
  /** Keeps a draft. False where there is a broadcast with this id. */
  add(id: string, draft: BroadcastDraft, by: string): Promise<boolean>;
  /** Writes nothing. Throws where panel or database do not answer. */
  estimate(plan: BroadcastPlan): Promise<BroadcastEstimate>;
  /** The estimate that is kept with a broadcast; counted where there is none, or `isAnew`. Throws as `estimate` does. */
  counted(plan: BroadcastPlan, isAnew: boolean): Promise<CountedEstimate>;
  /** Keeps a picture and answers its id, which follows from its content; or why it can be none. */
  keepPicture(content: Uint8Array, by: string): Promise<{ id: string } | { problem: PictureProblem }>;
  /** Finds mistakes of a draft that its fields alone do not show: a caption that is too long, a picture that is not there, a rate that nobody set. */
  draftProblem(draft: BroadcastDraft): Promise<DraftProblem | undefined>;
  /** When quiet hours end in which this moment lies; undefined outside of them. */
  quietUntil(at: Date): Date | undefined;
  /** Whether broadcasts may ask for the paid rate. */
  readonly hasPaidRate: boolean;
  /** A text with values that stand for those of a customer. */
  preview(text: string, locale: Locale): string;
  /** Why a text cannot be sent, in words that go behind the name of its field. */
  whyWrong(text: string, locale: Locale): string | undefined;
  /** Has it sent to one chat, in each of its languages, as a customer would read it. Answers the job. */
  test(id: string, chat: number, by: string): Promise<string>;
  /**
   * Has a draft sent at this time, now where it is past. With `content` only where it is still what that stands for. Answers the state it is
   * in then; undefined where there is no such broadcast.
   */
  send(id: string, at: Date, by: string, content?: string): Promise<BroadcastState | undefined>;
  /** Answers the state it is in then; undefined where there is no such broadcast. */
  say(id: string, act: BroadcastAct, by: string): Promise<BroadcastState | undefined>;
  /** Has what was sent deleted. False where it is not over, or never began; asked again it changes nothing. */
  deleteSent(id: string, by: string): Promise<boolean>;
  /** What became of that, by chats. */
  deletions(id: string): Promise<DeletionCounts>;
  /** How far its messages are. */
  look(id: string): Promise<BroadcastCounts & { total: number }>;
  /** Counts those who paid within seven days of its beginning; undefined before it has begun. */
  earned(broadcast: PlannedBroadcast): Promise<EarnedSince | undefined>;
};

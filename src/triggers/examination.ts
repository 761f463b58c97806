import { within } from '../lib/deadline.ts';
import { seconds } from '../lib/duration.ts';
import { errorMessage } from '../lib/errors.ts';

export type Level = 'ok' | 'warning' | 'failed';

/** The finding about one thing. */
export type Finding = {
  level: Level;
  /** A sentence without a full stop. */
  finding: string;
  /** The remedy, where the level is not `ok` and the finding does not say it itself. */
  advice?: string;
  /** How long the answer of a dependency took. */
  latencyMs?: number;
};

/** One thing that must be right. A rejection counts as failed, and `advice` then says what to do. */
export type Examination = {
  group: string;
  name: string;
  advice: string;
  examine(signal: AbortSignal): Promise<Finding>;
};

export type DoctorContext = {
  /** The installation that is examined: `task-worker 1.0.0, Node 24.21.0`. */
  patient: string;
  examinations(): readonly Examination[];
};

/** What the page of the system and the API ask of the doctor. */
export type RememberedFindings = {
  patient: string;
  /** The last findings, those of now where they do not take longer than a page waits. Never rejects. */
  latest(): Promise<LatestFindings>;
  /** Findings that are at most 10 s old, however long they take. Never rejects. */
  whole(): Promise<ExaminedAt>;
};

/** `isUnderWay`: newer ones come soon. */
export type LatestFindings = { last: ExaminedAt | undefined; isUnderWay: boolean };

/** A finding and what it is about. */
export type Examined = Finding & { group: string; name: string };

export type ExaminedAt = { at: Date; found: readonly Examined[] };

/** A dependency that takes longer counts as down. A little more than the 5 s of a Redis command, whose own error says more. */
const LIMIT_MS = seconds(6);

/** Examines one thing; never rejects. Silence says nothing about a token or a setting: the advice begins with what is silent. */
export async function examined(
  { advice, examine, group, name }: Examination,
  limitMs: number = LIMIT_MS,
): Promise<Examined> {
  const signal = AbortSignal.timeout(limitMs);
  const silence = `no answer within ${limitMs / 1000} s`;
  try {
    const found = await within(limitMs, examine(signal), () => new Error(silence));
    return { group, name, ...found };
  } catch (error) {
    const finding = signal.aborted ? silence : errorMessage(error);
    const first = /no answer within \d/.test(finding) ? IF_SILENT : '';
    return { group, name, level: 'failed', finding, advice: `${first}${advice}` };
  }
}

const IF_SILENT = 'is it up, not too busy, and can it be reached from here? If so, ';

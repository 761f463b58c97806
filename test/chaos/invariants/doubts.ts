import { seconds } from '../../../src/lib/duration.ts';
import type { AskedMessage } from '../load/asked.ts';
import type { Event } from '../timeline.ts';

/**
 * While this lasts, whether a message has arrived may stay unknown to the service, so it may be sent again. `isFlight`: what arrives in it
 * counts as in flight at the fault; else it only may have been.
 */
export type Doubt = { fromMs: number; toMs: number; why: string; isFlight: boolean };

/** From the request that delivers a message to the note that it is delivered, on a machine that is busy. */
const IN_FLIGHT_MS = seconds(2);
/** What the clock of the sandbox and ours may differ by. */
const SLACK_MS = 300;
/** A slow Telegram keeps a delivered message in flight for as long as it is slow. */
const SLOW_MS = seconds(3);
/** Until a command to a Redis that does not answer has failed, and the sender goes on without the mark. */
const MARK_MS = seconds(6);
/** After its end an outage is still felt: connections come back, what was held back is done. */
const TAIL_MS = seconds(6);
/** Statements on a silent connection to PostgreSQL are given up after 35 s. */
const SILENCE_TAIL_MS = seconds(40);

const isOf = (server: 'redis' | 'postgres', { kind }: Event): boolean => kind.startsWith(server);

/**
 * When a message may have been in flight. That a row is sent is noted twice: in Redis at once, in PostgreSQL a tenth of a second later. So
 * it may be sent again only where its worker was killed (or stood still) right then, where the answer was lost, or where neither note
 * could be made: both servers away, or PostgreSQL away and the note in Redis emptied later. A job lives in Redis alone: an outage of
 * Redis may lose the note that it is done, and one that stood still may be sent by its old worker and its new one.
 */
export function doubtsFor(kind: AskedMessage['kind'], events: readonly Event[]): Doubt[] {
  const doubts: Doubt[] = [];
  for (const event of events) {
    const endMs = event.toMs ?? Number.POSITIVE_INFINITY;
    const add = (fromMs: number, toMs: number, isFlight: boolean): void =>
      void doubts.push({ fromMs, toMs, isFlight, why: event.what });
    const isSudden = event.kind === 'kill' || event.kind === 'pause' || event.kind === 'trouble';
    if (isSudden) add(event.fromMs - flightMs(event, events), event.fromMs + SLACK_MS, true);
    if (isSudden || event.kind === 'term') {
      const untold = untoldSince(event.fromMs, events);
      if (untold !== undefined) add(untold - IN_FLIGHT_MS, event.fromMs + seconds(15), false);
    }
    if (event.kind === 'outside' && event.what.startsWith('telegram: cut_after'))
      add(event.fromMs - SLACK_MS, endMs + seconds(1), true);
    if (kind === 'row') continue;
    if (isOf('redis', event)) add(event.fromMs - IN_FLIGHT_MS, endMs + TAIL_MS, false);
    if (event.kind === 'pause') add(event.fromMs, endMs + seconds(1), false);
  }
  return doubts;
}

/** How long before this moment a message may have arrived and not be noted anywhere. */
function flightMs({ fromMs }: Event, events: readonly Event[]): number {
  const during = events.filter((event) => isFelt(event, fromMs));
  const slow = during.some(({ what }) => what.startsWith('telegram: slow')) ? SLOW_MS : 0;
  const unmarked = during.some((event) => isOf('redis', event)) ? MARK_MS : 0;
  return IN_FLIGHT_MS + slow + unmarked;
}

/** Since when neither note could be made of what this worker has sent; undefined where one could. */
function untoldSince(atMs: number, events: readonly Event[]): number | undefined {
  const postgres = events.filter((event) => isOf('postgres', event) && isFelt(event, atMs)).map(({ fromMs }) => fromMs);
  if (postgres.length === 0) return undefined;
  const redis = events.filter((event) => isOf('redis', event) && isFelt(event, atMs)).map(({ fromMs }) => fromMs);
  const isForgotten = events.some(({ fromMs, kind }) => kind === 'redis_flush' && fromMs >= atMs - TAIL_MS);
  return redis.length > 0 || isForgotten ? Math.min(...postgres, ...redis) : undefined;
}

function isFelt({ fromMs, kind, toMs }: Event, atMs: number): boolean {
  const tailMs = kind === 'postgres_silence' ? SILENCE_TAIL_MS : TAIL_MS;
  return fromMs <= atMs && (toMs ?? Number.POSITIVE_INFINITY) + tailMs >= atMs;
}

export const isInDoubt = (atMs: number, doubts: readonly Doubt[]): boolean =>
  doubts.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);

/** When Redis was emptied; undefined where it was not. */
export const flushedAt = (events: readonly Event[]): number | undefined =>
  events.find(({ kind }) => kind === 'redis_flush')?.toMs;

import { seconds } from '../../../src/lib/duration.ts';
import type { AskedMessage } from '../load/asked.ts';
import type { Event } from '../timeline.ts';

/**
 * A period in which the service may not learn whether a message has arrived, so it may send it again. `isFlight`: a message that arrives in
 * it counts as in flight at the fault; otherwise it only may have been.
 */
export type Doubt = { fromMs: number; toMs: number; why: string; isFlight: boolean };

/** The time from the request that delivers a message to the record of its delivery, on a busy machine. */
const IN_FLIGHT_MS = seconds(2);
/** The largest difference between the clock of the sandbox and ours. */
const SLACK_MS = 300;
/** A slow Telegram keeps a delivered message in flight for as long as it is slow. */
const SLOW_MS = seconds(3);
/** The time until a command to a silent Redis has failed and the sender goes on without the mark. */
const MARK_MS = seconds(6);
/** The time after an outage in which its effects last: connections come back, and held work is done. */
const TAIL_MS = seconds(6);
/** Statements on a silent connection to PostgreSQL are given up after 35 s. */
const SILENCE_TAIL_MS = seconds(40);

/** A worker ends at most this long after SIGTERM. */
const DRAIN_MS = seconds(12);

/** A worker that is told to end sends until it ends; one that is killed does not. */
const lastSendMs = ({ fromMs, kind }: Pick<Event, 'fromMs' | 'kind'>): number =>
  isDrain(kind) ? fromMs + DRAIN_MS : fromMs;

const isDrain = (kind: string): boolean => kind === 'term' || kind === 'settings';
const isStill = (kind: string): boolean => kind === 'pause' || kind === 'hang';
const isSudden = (kind: string): boolean => kind === 'kill' || kind === 'trouble' || isStill(kind);
const isOf = (server: 'redis' | 'postgres', { kind }: Event): boolean => kind.startsWith(server);

/**
 * The periods in which a message may have been in flight. The send of a row is recorded twice: in Redis at once, in PostgreSQL a tenth of a
 * second later. So a row may be sent again only where its worker was killed (or stood still) at that moment, where the answer was lost, or
 * where neither record could be made: both servers away, or PostgreSQL away and Redis emptied later. A worker that drains sends until it
 * ends, so a server that goes away meanwhile counts, too. A job lives in Redis alone: an outage
 * of Redis may lose the record that it is done, and a job of a worker that stood still may be sent by its old worker and its new one. A
 * mail is never sent again: see `handoverDoubts`.
 */
export function doubtsFor(kind: AskedMessage['kind'], events: readonly Event[]): Doubt[] {
  if (kind === 'mail') return [];
  const doubts: Doubt[] = [];
  for (const event of events) {
    const endMs = event.toMs ?? Number.POSITIVE_INFINITY;
    const add = (fromMs: number, toMs: number, isFlight: boolean): void =>
      void doubts.push({ fromMs, toMs, isFlight, why: event.what });
    if (isSudden(event.kind)) add(event.fromMs - flightMs(event.fromMs, events), event.fromMs + SLACK_MS, true);
    if (isSudden(event.kind) || isDrain(event.kind)) {
      const untold = untoldSince(event.fromMs, lastSendMs(event), events);
      if (untold !== undefined) add(untold - flightMs(untold, events), event.fromMs + seconds(15), false);
    }
    if (event.kind === 'outside' && event.what.startsWith('telegram: cut_after'))
      add(event.fromMs - SLACK_MS, endMs + seconds(1), true);
    if (kind === 'row') continue;
    if (isOf('redis', event)) add(event.fromMs - IN_FLIGHT_MS, endMs + TAIL_MS, false);
    if (isStill(event.kind)) add(event.fromMs, endMs + seconds(1), false);
  }
  return doubts;
}

/**
 * The periods in which a run may have claimed an e-mail and never said what became of it: its worker ended, or stood still, while it was
 * handing it over. Where Redis was away too, the claim may be as old as that outage; a worker that drains leaves none otherwise.
 */
export function handoverDoubts(events: readonly Event[]): Doubt[] {
  const doubts: Doubt[] = [];
  for (const { fromMs, kind, what } of events) {
    if (!isDrain(kind) && !isSudden(kind)) continue;
    const endMs = lastSendMs({ fromMs, kind });
    const outages = events.filter(
      (event) => isOf('redis', event) && event.fromMs <= endMs && isFeltSince(event, fromMs),
    );
    if (isDrain(kind) && outages.length === 0) continue;
    const sinceMs = Math.min(fromMs, ...outages.map((event) => event.fromMs));
    doubts.push({ fromMs: sinceMs - IN_FLIGHT_MS, toMs: endMs + SLACK_MS, why: what, isFlight: true });
  }
  return doubts;
}

/** The time before this moment in which a message may have arrived without any record. */
function flightMs(atMs: number, events: readonly Event[]): number {
  const during = events.filter((event) => isFelt(event, atMs));
  const slow = during.some(({ what }) => what.startsWith('telegram: slow')) ? SLOW_MS : 0;
  const unmarked = during.some((event) => isOf('redis', event)) ? MARK_MS : 0;
  return IN_FLIGHT_MS + slow + unmarked;
}

/** The time from which a worker that was told to end, or ended, at `atMs`, and sent until `endMs`, could make neither record; undefined where it could make one. */
function untoldSince(atMs: number, endMs: number, events: readonly Event[]): number | undefined {
  const awayOf = (server: 'redis' | 'postgres'): number[] =>
    events
      .filter((event) => isOf(server, event) && event.fromMs <= endMs && isFeltSince(event, atMs))
      .map(({ fromMs }) => fromMs);
  const [postgres, redis] = [awayOf('postgres'), awayOf('redis')];
  if (postgres.length === 0) return undefined;
  // Emptied before the end too: the mark of what was sent since PostgreSQL went away is gone, and its row was never written.
  const isForgotten = events.some(({ fromMs, kind }) => kind === 'redis_flush' && fromMs >= Math.min(...postgres));
  return redis.length > 0 || isForgotten ? Math.min(...postgres, ...redis) : undefined;
}

const isFelt = (event: Event, atMs: number): boolean => event.fromMs <= atMs && isFeltSince(event, atMs);

function isFeltSince({ kind, toMs }: Event, atMs: number): boolean {
  const tailMs = kind === 'postgres_silence' ? SILENCE_TAIL_MS : TAIL_MS;
  return (toMs ?? Number.POSITIVE_INFINITY) + tailMs >= atMs;
}

export const isInDoubt = (atMs: number, doubts: readonly Doubt[]): boolean =>
  doubts.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);

/** The time at which Redis was emptied; undefined where it was not. */
export const flushedAt = (events: readonly Event[]): number | undefined =>
  events.find(({ kind }) => kind === 'redis_flush')?.toMs;

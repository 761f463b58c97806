import type { ZonedClock } from './zoned-clock.ts';

/** The people on call on these days of the week between these times, in the order in which they are told. */
export type OnCallTurn = { days: ReadonlySet<number>; from: string; to: string; ids: readonly number[] };

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const DAY_MS = 86_400_000;
const HOURS = /^(([01]\d|2[0-3]):[0-5]\d)-(([01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Reads ids in order (`111,222`), or the turns of a week: `mon-fri 09:00-18:00 111,222; mon-fri 18:00-09:00 222; sat,sun 333`. Hours that end
 * before they begin end on the next day; without hours a turn is the whole day. Answers a sentence where a turn cannot be read.
 */
export function readOnCall(text: string): readonly OnCallTurn[] | string {
  const turns: OnCallTurn[] = [];
  for (const entry of text.split(';').map((part) => part.trim())) {
    if (entry === '') continue;
    const turn = readTurn(wordsOf(entry));
    if (typeof turn === 'string') return turn;
    turns.push(turn);
  }
  return turns.length === 0 ? 'names nobody' : turns;
}

/** Spaces around a comma separate no words. */
const wordsOf = (entry: string): string[] =>
  entry
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .join(',')
    .split(/\s/)
    .filter(Boolean);

function readTurn(words: readonly string[]): OnCallTurn | string {
  const ids = words.at(-1)!;
  if (words.length > 3) return 'must have, for each turn, days, hours and ids with spaces between, and ; between turns';
  if (!/^\d{1,16}(,\d{1,16})*$/.test(ids)) return 'must end each turn with numeric Telegram ids, comma-separated';
  const [named = 'mon-sun', hours = '00:00-00:00'] = words.slice(0, -1);
  const days = readDays(named);
  if (!days) return 'must name days as mon, tue, wed, thu, fri, sat, sun, such as mon-fri or sat,sun';
  const match = HOURS.exec(hours);
  if (!match) return 'must give hours as 09:00-18:00';
  return { days, from: match[1]!, to: match[3]!, ids: [...new Set(ids.split(',').map(Number))] };
}

function readDays(text: string): ReadonlySet<number> | undefined {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first, last, more] = part.split('-').map((name) => DAYS.indexOf(name as (typeof DAYS)[number]));
    if (first === undefined || first < 0 || last === -1 || more !== undefined) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return days;
}

/** The people on call at this moment, by that clock: the first turn that covers it. Nobody where none does. */
export function onCallAt(turns: readonly OnCallTurn[], at: Date, clock: ZonedClock): readonly number[] {
  const [date, time] = clock.minute(at).split(' ') as [string, string];
  const today = (new Date(`${date}T00:00:00Z`).getTime() / DAY_MS + 3) % 7;
  const yesterday = (today + 6) % 7;
  const turn = turns.find(({ days, from, to }) => {
    if (from < to) return days.has(today) && time >= from && time < to;
    return (days.has(today) && time >= from) || (days.has(yesterday) && time < to);
  });
  return turn?.ids ?? [];
}

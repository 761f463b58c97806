import { hours, minutes, seconds } from '../../../src/lib/duration.ts';
import type { Evidence, Violation } from '../evidence.ts';
import { ALERT } from '../load/staff-bot.ts';
import { doubtsFor, isInDoubt } from './doubts.ts';

type Told = Evidence['told'][number];

const RULE = 'what people are told is true';
/** Between a number and the message that has it, on a busy machine. */
const SLACK_MS = seconds(3);
/** An outage is told after three failed looks, and a message waits for its turn, for Telegram and for a worker. */
const OUTAGE_TOLD_MS = minutes(2);
/** `EXPORT_TTL_HOURS` as it is where nobody sets it. */
const EXPORT_TTL_MS = hours(24);

/** The faults that make a service look away, by the name that people read. */
const FAULTS_OF: Readonly<Record<string, (fault: { kind: string; what: string }) => boolean>> = {
  Telegram: ({ what }) => what.startsWith('telegram:'),
  Remnawave: ({ what }) => what.startsWith('panel:'),
  CryptoBot: ({ what }) => what.startsWith('cryptopay:'),
  PostgreSQL: ({ kind }) => kind.startsWith('postgres'),
  Redis: ({ kind }) => kind.startsWith('redis'),
};

/**
 * Every message to the admins was true when it arrived: counts are those of the work, times those of the clock on the wall, outages are
 * outages, and nobody is told of what did not happen.
 */
export function toldFalsely(evidence: Evidence): Violation[] {
  return evidence.told.flatMap((message) =>
    CHECKS.flatMap((check) => check(message, evidence)).map((fault) => ({
      rule: RULE,
      atMs: message.atMs,
      what: `${fault}, in: ${message.text.replaceAll('\n', ' · ').slice(0, 300)}`,
    })),
  );
}

/** A message that was on its way when somebody acknowledged may still come. */
const ON_ITS_WAY_MS = seconds(90);
/** What a message says that is meant to come again, or tells the end. */
const MEANT = /Told again: Redis was emptied|RESOLVED/;

/** An alert that is handed in again and again is told once, and nobody hears of it again who has acknowledged it. */
export function toldTooOften({ asked, events, told }: Evidence): Violation[] {
  const doubts = doubtsFor('row', events);
  const byAlert = new Map<string, number[]>();
  for (const { atMs, text } of told) {
    const alert = ALERT.exec(text)?.[0];
    if (alert === undefined || MEANT.test(text)) continue;
    byAlert.set(alert, [...(byAlert.get(alert) ?? []), atMs]);
  }
  return [...byAlert].flatMap(([alert, times]) => {
    const last = times.at(-1)!;
    const isSure = times.slice(0, -1).some((atMs) => !isInDoubt(atMs, doubts));
    const acknowledged = asked.acknowledged.find((one) => one.alert === alert && last > one.atMs + ON_ITS_WAY_MS);
    return [
      ...(isSure ? [{ rule: RULE, atMs: last, what: `${alert} was told ${times.length} times` }] : []),
      ...(acknowledged ? [{ rule: RULE, atMs: last, what: `${alert} was told to who had acknowledged it` }] : []),
    ];
  });
}

/** Each names what is false of one message; nothing where it is of another kind. */
const CHECKS: readonly ((message: Told, evidence: Evidence) => string[])[] = [
  bulkFalsely,
  broadcastFalsely,
  exportFalsely,
  mismatchFalsely,
  failedPaymentsFalsely,
  outageFalsely,
  nodesFalsely,
];

function bulkFalsely({ atMs, text }: Told, { asked }: Evidence): string[] {
  const said = /^.*Bulk operation is done.*Succeeded: (\d+) of (\d+), failed: (\d+)\nTook (.+?)\. .*Job: (\S+)/s.exec(
    text,
  );
  if (!said) return [];
  const [succeeded, total, failed] = said.slice(1, 4).map(Number);
  const bulk = asked.bulk.find(({ jobId }) => jobId === said[5]);
  if (!bulk) return [];
  return [
    ...(total === bulk.users.length ? [] : [`it had ${bulk.users.length} users`]),
    ...(succeeded! + failed! === total ? [] : ['the parts are not the whole']),
    ...(msOf(said[4]!) <= atMs - bulk.atMs + SLACK_MS
      ? []
      : [`it was asked for ${((atMs - bulk.atMs) / 1000).toFixed(0)} s before`]),
  ];
}

function broadcastFalsely({ atMs, text }: Told, { asked, deliveries }: Evidence): string[] {
  const said = /Broadcast (?:is done|was cancelled).*Delivered: (\d+) of \d+, .*Took (.+?)\. Job: (\S+)/s.exec(text);
  const broadcast = said && asked.broadcasts.find(({ id }) => id === said[3]);
  if (!broadcast) return [];
  const arrived = broadcast.keys.filter((key) => (deliveries.get(key) ?? []).some((at) => at <= atMs)).length;
  return [
    ...(arrived === Number(said[1]) ? [] : [`${arrived} had arrived`]),
    ...(msOf(said[2]!) <= atMs - broadcast.atMs + SLACK_MS ? [] : ['it was asked for later']),
  ];
}

function exportFalsely({ atMs, text }: Told, { exports }: Evidence): string[] {
  const said = /Export is ready.*\nRows: ([\d,]+), .*\nThe file ([0-9a-f-]{36})\..*\nAvailable until (.{16}) UTC/s.exec(
    text,
  );
  if (!said) return [];
  const file = exports.get(said[2]!)?.file;
  const rows = Number(said[1]!.replaceAll(',', ''));
  const leftMs = Date.parse(`${said[3]!.replace(' ', 'T')}:00Z`) - atMs;
  return [
    ...(file !== undefined && file !== 'broken' && file.rows !== rows ? [`the file has ${file.rows} rows`] : []),
    // A message may be held up by all that happens here, and minutes are cut.
    ...(leftMs <= EXPORT_TTL_MS && leftMs >= EXPORT_TTL_MS - minutes(6)
      ? []
      : [`it has ${(leftMs / hours(1)).toFixed(2)} hours left`]),
  ];
}

function mismatchFalsely({ text }: Told, { asked }: Evidence): string[] {
  if (!text.includes('A paid invoice does not match its payment')) return [];
  const ids = [...text.matchAll(/Payment: ([0-9a-f-]{36})/g)].map(([, id]) => id!);
  const wrong = ids.filter((id) => asked.payments.find((payment) => payment.id === id)?.mood !== 'mismatch');
  return wrong.map((id) => `payment ${id} matches`);
}

function failedPaymentsFalsely({ atMs, text }: Told, { asked }: Evidence): string[] {
  const said = /(\d+) of (\d+) payments made in the last/.exec(text);
  if (!said) return [];
  const [failed, all] = said.slice(1).map(Number);
  const expired = asked.payments.filter(
    ({ actedAtMs, mood }) => mood === 'expires' && (actedAtMs ?? atMs) < atMs,
  ).length;
  return failed! <= expired && all! <= asked.payments.length
    ? []
    : [`${expired} of ${asked.payments.length} had expired`];
}

function outageFalsely({ atMs, text }: Told, { events }: Evidence): string[] {
  return [...text.matchAll(/(?:^|\n|CRITICAL )(\w+) does not answer/g)].flatMap(([, service]) => {
    const isOf = FAULTS_OF[service!];
    if (!isOf) return [`${service} is no service`];
    const isTrue = events.some(
      (event) =>
        isOf(event) && event.fromMs <= atMs && (event.toMs ?? Number.POSITIVE_INFINITY) >= atMs - OUTAGE_TOLD_MS,
    );
    return isTrue ? [] : [`${service} was well`];
  });
}

/** What the outage of the panel says of its nodes, whose state is not known then. */
const NOT_KNOWN = 'Nodes and users cannot be seen or changed; nobody is taken for offline or expired meanwhile.';

/** No node of the panel goes away in these runs. */
function nodesFalsely({ text }: Told): string[] {
  const said = text.replaceAll(NOT_KNOWN, '');
  return /\bnodes? .*\b(offline|unstable|down)\b|\boffline\b.*\bnodes?\b/i.test(said) ? ['no node was away'] : [];
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: seconds(1), min: minutes(1), h: hours(1) };

/** `10 min 5 s`, `less than 1 s`. */
const msOf = (text: string): number =>
  text.startsWith('less than')
    ? 0
    : [...text.matchAll(/([\d.]+) (ms|s|min|h)\b/g)].reduce((sum, [, n, unit]) => sum + Number(n) * UNITS[unit!]!, 0);

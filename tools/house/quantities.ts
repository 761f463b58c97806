import type { Sources } from './sources.ts';

/** Where people read: what is said there of a number, a span or a counted thing is said by `lib/quantities.ts`. */
const SAID_IN = ['messages/', 'triggers/http/console/'];

/** Makers of such text that are not the one place. */
const OWN_FORMAT = /\b(?:Intl\.(?!Segmenter)\w+|toFixed|toLocale\w*String|toPrecision\(\d\)\s*\})/;

/** A value with a unit or a counted word right behind it: `${n} min`, `${n}</b> nodes`, `${n} попыток`. */
const UNITS = String.raw`ms|s|sec|seconds?|min|minutes?|h|hours?|d|days?|мс|с|сек|мин|минут\p{L}*|ч|час\p{L}*|д|дн|дней|дня|день|[kKMGTP]i?B|bytes|[КМГТП]и?Б|%`;
const WORDS = String.raw`attempts?|payments?|nodes?|requests?|outages?|jobs?|messages?|notifications?|users?|alerts?|попыт\p{L}+|платеж\p{L}*|узл\p{L}*|узел|запрос\p{L}*|сбо\p{L}+|задани\p{L}+|сообщени\p{L}+|уведомлени\p{L}+|пользовател\p{L}+|оповещени\p{L}+`;
const OWN_UNIT = new RegExp(String.raw`\}(?:</?\w+>)*[ \u00a0](?:${UNITS}|${WORDS})(?![\p{L}\p{N}_])`, 'u');

/** `file:line: text` of every place that says a number, a span or a counted thing by itself. */
export function ownQuantities(files: Sources): string[] {
  return [...files].flatMap(([path, text]) => {
    if (!SAID_IN.some((folder) => path.startsWith(folder))) return [];
    return text.split('\n').flatMap((line, i) => {
      const isOurs = OWN_FORMAT.test(line) || OWN_UNIT.test(line);
      return isOurs ? [`${path}:${i + 1}: ${line.trim()}`] : [];
    });
  });
}

import { createRequire } from 'node:module';
import type cronstrue from 'cronstrue/i18n.js';
import { CODE_FOLDER } from '../../../../lib/code-folder.ts';
import type { Locale } from '../../../../lib/locale.ts';
import { durationText } from '../../../../lib/quantities.ts';
import type { Schedule } from '../../../../runtime/define-task.ts';

/** A CommonJS bundle whose default export loaders disagree about. */
const { toString: patternInWords } = createRequire(CODE_FOLDER)('cronstrue/i18n.js') as Pick<
  typeof cronstrue.default,
  'toString'
>;

const EVERY = { en: 'Every', ru: 'Каждые' } as const;

/** `Every 30 s`, `At 03:30, only on Monday (UTC)`. A pattern runs in UTC, so its words are in UTC too; an hourly one is the same anywhere. */
export function scheduleInWords(schedule: Schedule, locale: Locale): string {
  if ('everyMs' in schedule) return `${EVERY[locale]} ${durationText(schedule.everyMs, locale)}`;
  const words = patternInWords(schedule.cron, { locale, use24HourTimeFormat: true, throwExceptionOnParseError: false });
  const hasHour = /\d\d:\d\d/.test(words);
  return hasHour ? `${words} (UTC)` : words;
}

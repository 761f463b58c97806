import { hours as hoursMs } from '../lib/duration.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText, howMany, ofHowMany, shareText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';
import { minuteInUtc } from './time.ts';

export type EffectFacts = {
  name: string;
  reason: 'share' | 'listing';
  wouldTouch: number;
  listed: number;
  expected: number;
};

/** What a held run would do and why it does not, as one sentence for lists. */
export function effectInBrief(
  { expected, listed, reason, wouldTouch }: Omit<EffectFacts, 'name'>,
  locale: Locale,
): string {
  if (locale === 'ru') {
    const why = reason === 'share' ? 'слишком много сразу' : `панель показала ${listed} из примерно ${expected}`;
    return `затронет ${wouldTouch} из ${ofHowMany(listed, 'user', locale)}: ${why}`;
  }
  const why = reason === 'share' ? 'too many at once' : `the panel listed ${listed} of about ${expected}`;
  return `would touch ${wouldTouch} of ${ofHowMany(listed, 'user', locale)}: ${why}`;
}

/** How many old notifications are not sent until somebody decides, as one sentence for lists. */
export function backlogInBrief(
  { hours, oldest, rows }: { rows: number; oldest: Date; hours: number },
  locale: Locale,
): string {
  const since = minuteInUtc(oldest);
  const late = durationText(hoursMs(hours), locale);
  return locale === 'ru'
    ? `старых уведомлений: ${rows} (просрочены более чем на ${late}, самое раннее от ${since})`
    : `${howMany(rows, 'notification', locale)} that are over ${late} late, the oldest due since ${since}`;
}

/** To the admins: a scheduled run would touch too many users, or was shown too few, and waits for a word. */
export function effectHeld(held: EffectFacts, locale: Locale): Html {
  const { name, reason, wouldTouch, listed, expected } = held;
  const share = listed > 0 ? ` (${shareText(wouldTouch / listed, locale)})` : '';
  if (locale === 'ru') {
    const title = html`Задача <code>${name}</code> остановлена и ждёт подтверждения`;
    const counts = html`Затронула бы: <b>${wouldTouch}</b> из ${ofHowMany(listed, 'user', locale)}${share}`;
    const why =
      reason === 'share'
        ? html`Это больше, чем разрешено без подтверждения (SAFETY_MAX_SHARE).`
        : html`Панель показала <b>${ofHowMany(listed, 'user', locale)}</b>, а должно быть около <b>${expected}</b>: список неполон.`;
    return alertMessage(
      'warning',
      title,
      [
        why,
        counts,
        'До решения ничего не изменено.',
        'Прочитайте список на странице «Сейчас» в консоли и решите: выполнить, только показанных, не в этот раз.',
      ],
      locale,
    );
  }
  const title = html`Task <code>${name}</code> is held and waits for an admin`;
  const counts = html`It would touch: <b>${wouldTouch}</b> of ${ofHowMany(listed, 'user', locale)}${share}`;
  const why =
    reason === 'share'
      ? html`That is more than it may without a confirmation (SAFETY_MAX_SHARE).`
      : html`The panel listed <b>${howMany(listed, 'user', locale)}</b> where about <b>${expected}</b> should be: the list is not whole.`;
  return alertMessage(
    'warning',
    title,
    [
      why,
      counts,
      'Nothing has been changed.',
      'Read the list on the page “Now” of the console and decide: let it run, only those shown, or not this time.',
    ],
    locale,
  );
}

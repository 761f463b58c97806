import type { CampaignEarned, CampaignGroup } from '../../../lib/campaign-earnings.ts';
import { type CampaignTrigger, STEP_UNITS } from '../../../lib/campaign-rules.ts';
import { hours } from '../../../lib/duration.ts';
import { type Html, html, join } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { formatMoney } from '../../../lib/money.ts';
import { durationText, howMany, numberText, percentText } from '../../../lib/quantities.ts';
import type { Campaign, CampaignState } from '../../../repositories/history/campaigns.ts';
import { conditionsText } from './broadcast-words.ts';
import { stateBadge, type Tone } from './components/states.ts';
import type { Text } from './define-view.ts';

const STATES: Readonly<Record<CampaignState, { tone: Tone; said: Text }>> = {
  paused: { tone: 'warn', said: { en: 'paused', ru: 'на паузе' } },
  running: { tone: 'good', said: { en: 'runs', ru: 'работает' } },
  ended: { tone: 'calm', said: { en: 'ended', ru: 'завершена' } },
};

export const campaignBadge = (state: CampaignState, locale: Locale): Html =>
  stateBadge(STATES[state].tone, STATES[state].said[locale]);

export const TRIGGER_WORDS: Readonly<Record<CampaignTrigger, Text>> = {
  before_end: { en: 'before the end', ru: 'до конца срока' },
  after_end: { en: 'after the end', ru: 'после конца срока' },
  not_connected: { en: 'new and not connected', ru: 'новый и не подключился' },
  traffic: { en: 'traffic used', ru: 'израсходован трафик' },
  silent: { en: 'no traffic', ru: 'нет трафика' },
};

const BUILT_IN: Text = { en: 'Reminders, built in', ru: 'Напоминания, встроенные' };

/** The name of a campaign; the built-in one has one in each language. */
export const campaignName = ({ name }: Pick<Campaign, 'name'>, isBuiltIn: boolean, locale: Locale): string =>
  isBuiltIn ? BUILT_IN[locale] : name;

/** The distance of a step in the unit of its campaign: `3 days`, `6 hours`, `80 %`. */
export function distanceText(trigger: CampaignTrigger, at: number, locale: Locale): string {
  const unit = STEP_UNITS[trigger];
  if (unit === 'percent') return percentText(at, locale);
  if (unit === 'days') return howMany(at, 'day', locale);
  return durationText(hours(at), locale);
}

/** What a campaign waits for, with its distances. */
export const ruleText = ({ steps, trigger }: Pick<Campaign, 'steps' | 'trigger'>, locale: Locale): string =>
  `${TRIGGER_WORDS[trigger][locale]}: ${steps.map(({ at }) => distanceText(trigger, at, locale)).join(', ')}`;

/** Whom it is for. */
export const audienceText = ({ audience }: Pick<Campaign, 'audience'>, locale: Locale): Html =>
  conditionsText(audience, locale);

/** `34 of 120 (28 %)`. */
export function renewedText({ customers, renewed }: CampaignGroup, locale: Locale): string {
  const of = { en: 'of', ru: 'из' }[locale];
  const share = customers === 0 ? '' : ` (${percentText((renewed / customers) * 100, locale)})`;
  return `${numberText(renewed, locale)} ${of} ${numberText(customers, locale)}${share}`;
}

/** Renewals and money, each currency separately; undefined where there is nothing to compare with. */
export function earnedText(earned: CampaignEarned | undefined, locale: Locale): string | undefined {
  if (!earned) return undefined;
  const renewals = { en: 'renewals', ru: 'продлений' }[locale];
  const income = earned.income.map(({ amount, currency }) => formatMoney(amount, currency, locale));
  return [`${numberText(earned.renewals, locale)} ${renewals}`, ...income].join(' + ');
}

/** A text of each language, as it is written. */
export const writtenTexts = (texts: Readonly<Partial<Record<Locale, string | undefined>>>): Html =>
  join(
    Object.entries(texts).flatMap(([language, text]) =>
      text === undefined
        ? []
        : [
            html`<figure class="message" lang="${language}"><figcaption class="muted">${language}</figcaption><p class="wrap">${text}</p></figure>`,
          ],
    ),
    '',
  );

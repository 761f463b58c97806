import { type CampaignGroup, EARNED_DAYS } from '../lib/campaign-earnings.ts';
import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { formatMoney } from '../lib/money.ts';
import { howMany, numberText, percentText } from '../lib/quantities.ts';
import type { CampaignFigures, WeekFigures } from './figures.ts';
import { listed, named, type Section, unknown } from './report-lines.ts';

const CAMPAIGNS_LISTED = 10;

/** What each campaign earned with those whom it wrote to in the week before; no section where none did. */
export function campaignSections({ campaigns }: WeekFigures, locale: Locale): Section[] {
  if (campaigns === undefined) return [];
  const title = {
    en: `Campaigns: written to in the week before, renewed within ${howMany(EARNED_DAYS, 'day', locale)}`,
    ru: `Кампании: написано неделей раньше, продлили за ${howMany(EARNED_DAYS, 'day', locale)}`,
  }[locale];
  const lines = campaigns === null ? [unknown(locale)] : listed(campaigns, CAMPAIGNS_LISTED, lineOf(locale), locale);
  return [{ icon: '🎯', title, lines }];
}

const lineOf =
  (locale: Locale) =>
  ({ earned, groups, name }: CampaignFigures): Html => {
    const told = shareOf(groups.told, locale);
    const held = shareOf(groups.heldOut, locale);
    const head = html`• ${named(name)}: <b>${told}</b>`;
    if (!earned)
      return {
        en: html`${head}, nobody was held out to compare with`,
        ru: html`${head}, сравнить не с кем: контрольной группы нет`,
      }[locale];
    const more = numberText(earned.renewals, locale);
    const income = earned.income.map(({ amount, currency }) => formatMoney(amount, currency, locale)).join(' + ');
    const money = income === '' ? '' : `, ${income}`;
    return {
      en: html`${head}, without it ${held}; earned: <b>${more}</b> renewals${money}`,
      ru: html`${head}, без неё ${held}; принесла продлений: <b>${more}</b>${money}`,
    }[locale];
  };

/** `34 of 120 (28 %)`. */
function shareOf({ customers, renewed }: CampaignGroup, locale: Locale): string {
  const of = { en: 'of', ru: 'из' }[locale];
  const share = customers === 0 ? '' : ` (${percentText((renewed / customers) * 100, locale)})`;
  return `${numberText(renewed, locale)} ${of} ${numberText(customers, locale)}${share}`;
}

import { html } from '../../../../lib/html.ts';
import { campaignBadge, campaignName, ruleText } from '../campaign-words.ts';
import { dataTable } from '../components/data-table.ts';
import { personOf } from '../components/people.ts';
import { timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

/** Campaigns of staff, and the built-in reminders. */
export default defineView({
  path: '/campaigns',
  needs: 'admin',
  nav: { group: 'people', order: 35 },
  texts: {
    title: { en: 'Campaigns', ru: 'Кампании' },
    new: { en: 'New campaign', ru: 'Новая кампания' },
    how: {
      en: 'Messages that follow from what a customer does. One customer gets at most % of them in seven days.',
      ru: 'Сообщения, которые следуют из того, что делает клиент. За семь дней один клиент получит не больше %.',
    },
    name: { en: 'Campaign', ru: 'Кампания' },
    state: { en: 'State', ru: 'Состояние' },
    rule: { en: 'When', ru: 'Когда' },
    since: { en: 'Made', ru: 'Создана' },
    by: { en: 'By', ru: 'Кто' },
  },

  parts: ({ part }) => [
    part({
      name: 'list',
      load: (context) =>
        fromHistory(context, async () => ({
          rows: (await context.campaigns.campaigns.all()).map((campaign) => ({
            ...campaign,
            isBuiltIn: context.campaigns.isBuiltIn(campaign.id),
          })),
          weeklyCap: context.campaigns.weeklyCap,
        })),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ rows, weeklyCap }) => {
          const { locale, say } = page;
          const table = dataTable({
            caption: say('title'),
            rows,
            idOf: ({ id }) => `campaign-${id}`,
            columns: [
              {
                heading: say('name'),
                cell: (one) => html`<a href="/campaigns/${one.id}">${campaignName(one, one.isBuiltIn, locale)}</a>`,
              },
              { heading: say('state'), cell: ({ state }) => campaignBadge(state, locale) },
              { heading: say('rule'), cell: (one) => ruleText(one, locale) },
              { heading: say('since'), cell: ({ createdAt }) => timeAt(createdAt, page) },
              { heading: say('by'), cell: ({ changedBy, createdBy }) => personOf(changedBy ?? createdBy) },
            ],
          });
          return html`<p class="muted">${say('how', weeklyCap)}</p><p><a class="button primary" href="/campaigns/new">${say('new')}</a></p>${table}`;
        }),
    }),
  ],
});

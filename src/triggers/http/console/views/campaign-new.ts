import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { html } from '../../../../lib/html.ts';
import { keptHistory } from '../../api/kept-history.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { Problem } from '../../problem.ts';
import { campaignForm, draftOfCampaignForm, formOfCampaign, likeBuiltIn } from '../campaign-form.ts';
import { emptyState } from '../components/states.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

/** Makes a campaign, which is paused until somebody starts it, or changes one, also while it runs. */
export default defineView({
  path: '/campaigns/new',
  needs: 'admin',
  texts: {
    title: { en: 'New campaign', ru: 'Новая кампания' },
    how: {
      en: 'Each step is told once in a period; who renews gets no further one. The next page says whom it would write to, before it is started.',
      ru: 'Каждый шаг говорится один раз за период; кто продлил, дальнейших не получит. Следующая страница покажет, кому она написала бы, прежде чем её запустят.',
    },
    keep: { en: 'Keep', ru: 'Сохранить' },
    kept: { en: 'It is kept.', ru: 'Сохранено.' },
    unchanged: {
      en: 'It has ended, is built in, or waits for something else; nothing was changed.',
      ru: 'Кампания завершена, встроена или ждёт другого; ничего не изменено.',
    },
    tooMany: {
      en: 'It has more steps than this form, or conditions that cannot be read; change it by the API.',
      ru: 'В ней больше шагов, чем в форме, или условия, которые не читаются; измените её через API.',
    },
  },
  query: z.object({
    /** The campaign to change. */
    of: z.guid().optional(),
    /** The built-in one, for one of one's own in its place. */
    like: z.guid().optional(),
  }),

  deeds: ({ deed }) => ({
    keep: deed({
      needs: 'admin',
      label: 'keep',
      bodyBytes: 4_000_000,
      form: ({ campaigns }, { page }) => campaignForm(campaigns, page.locale),
      async run(context, { caller, form, page, query: { of } }) {
        await keptHistory(context);
        const { draft, id } = draftOfCampaignForm(form);
        const { campaigns } = context;
        const by = callerOf(caller);
        const isKept = of ? await campaigns.campaigns.change(of, draft, by) : await campaigns.add(id, draft, by);
        if (of && !isKept) throw new Problem('conflict', page.say('unchanged'));
        const [entityId, action] = of ? [of, 'campaign.changed'] : [id, 'campaign.made'];
        return {
          receipt: page.say('kept'),
          act: { action, entityType: 'campaign', entityId, details: { name: draft.name, trigger: draft.trigger } },
          goTo: `/campaigns/${entityId}`,
        };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'form',
      load: (context, { query: { like, of } }) =>
        fromHistory(context, async () => {
          const id = of ?? like;
          const campaign = id === undefined ? undefined : await context.campaigns.campaigns.find(id);
          if (!campaign) return { in_place_of_built_in: 'on' };
          return formOfCampaign(of === undefined ? likeBuiltIn(campaign) : campaign);
        }),
      draw: (from, { form, locale, say }) =>
        drawHistory(from, locale, (values) =>
          values
            ? html`<p class="muted">${say('how')}</p>${form('keep', { values, hidden: { id: randomUUID() } })}`
            : emptyState(say('tooMany')),
        ),
    }),
  ],
});

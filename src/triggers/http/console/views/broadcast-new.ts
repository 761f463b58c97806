import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { html } from '../../../../lib/html.ts';
import { SegmentConditions } from '../../../../lib/segment.ts';
import { keptHistory } from '../../api/kept-history.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { Problem } from '../../problem.ts';
import { broadcastForm, draftOfForm, formOfDraft } from '../broadcast-form.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

/** The composer: who gets which text. It makes a draft, which nobody gets before somebody sends it. */
export default defineView({
  path: '/broadcasts/new',
  needs: 'admin',
  texts: {
    title: { en: 'New broadcast', ru: 'Новая рассылка' },
    how: {
      en: 'A customer must meet all conditions that are filled in; none means everybody. The next page says whom it reaches, before anything is sent.',
      ru: 'Клиент должен подходить под все заполненные условия; без условий — все. Следующая страница покажет, до кого дойдёт, прежде чем что-либо отправится.',
    },
    keep: { en: 'Keep as draft', ru: 'Сохранить черновик' },
    kept: { en: 'It is kept as a draft. Nobody has got it yet.', ru: 'Черновик сохранён. Его ещё никто не получил.' },
    noDraft: {
      en: 'It is no draft any more and stays as it is.',
      ru: 'Это уже не черновик; рассылка осталась как была.',
    },
  },
  query: z.object({
    /** The draft to change. */
    of: z.guid().optional(),
    /** A broadcast whose unreached chats are to get another. */
    missed: z.guid().optional(),
  }),

  deeds: ({ deed }) => ({
    keep: deed({
      needs: 'admin',
      label: 'keep',
      bodyBytes: 8_000_000,
      form: ({ broadcasts }, { page }) => broadcastForm(broadcasts.whyWrong, page.locale),
      async run(context, { caller, form, page, query: { of } }) {
        await keptHistory(context);
        const draft = draftOfForm(form);
        const { id } = form;
        const { broadcasts } = context;
        const by = callerOf(caller);
        const isKept = of ? await broadcasts.planned.change(of, draft) : await broadcasts.add(id, draft, by);
        if (of && !isKept) throw new Problem('conflict', page.say('noDraft'));
        const [entityId, action] = of ? [of, 'broadcast.changed'] : [id, 'broadcast.drafted'];
        return {
          receipt: page.say('kept'),
          act: { action, entityType: 'broadcast', entityId, details: { name: draft.name } },
          goTo: `/broadcasts/${entityId}`,
        };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'form',
      load: (context, { query: { missed, of } }) =>
        fromHistory(context, async () => {
          const draft = of === undefined ? undefined : await context.broadcasts.planned.find(of);
          const values = draft ? formOfDraft(draft, SegmentConditions.catch({}).parse(draft.segment)) : {};
          return { ...values, ...(missed && { missed }) };
        }),
      draw: (from, { form, locale, say }) =>
        drawHistory(
          from,
          locale,
          (values) => html`<p class="muted">${say('how')}</p>${form('keep', { values, hidden: { id: randomUUID() } })}`,
        ),
    }),
  ],
});

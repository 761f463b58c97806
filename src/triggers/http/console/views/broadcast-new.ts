import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { html, join } from '../../../../lib/html.ts';
import type { Locale } from '../../../../lib/locale.ts';
import { SegmentConditions } from '../../../../lib/segment.ts';
import type { BroadcastsContext, DraftProblem, PictureProblem } from '../../../broadcasts.ts';
import { keptHistory } from '../../api/kept-history.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { Problem } from '../../problem.ts';
import { broadcastForm, COMPOSER_FIELDS, draftOfForm, formOfDraft, formOfSegment } from '../broadcast-form.ts';
import { emptyState } from '../components/states.ts';
import { defineView, type Page } from '../define-view.ts';
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
    saved: { en: 'Saved conditions', ru: 'Сохранённые условия' },
    noPicture: { en: 'Picture: it is no JPEG, PNG or WebP.', ru: 'Картинка: это не JPEG, PNG или WebP.' },
    tooBig: { en: 'Picture: it has more than 10 MB.', ru: 'Картинка: она больше 10 МБ.' },
    wrongSides: {
      en: 'Picture: its sides have more than 10,000 pixels together, or one is more than 20 times the other.',
      ru: 'Картинка: стороны вместе больше 10 000 точек, или одна больше другой в 20 с лишним раз.',
    },
    unreadable: {
      en: 'These conditions cannot be read, or are those of another version; change them by the API.',
      ru: 'Эти условия не читаются или они другой версии; измените их через API.',
    },
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
    /** Saved conditions to begin with. */
    segment: z.string().max(100).optional(),
  }),

  deeds: ({ deed }) => ({
    keep: deed({
      needs: 'admin',
      label: 'keep',
      // A picture of 10 MB, as a form sends it.
      bodyBytes: 16_000_000,
      form: ({ broadcasts }, { page }) => broadcastForm(broadcasts.whyWrong, page.locale),
      async run(context, { caller, form, page, query: { of } }) {
        await keptHistory(context);
        const { id } = form;
        const { broadcasts } = context;
        const by = callerOf(caller);
        const draft = draftOfForm(form, await keptPicture(broadcasts, form, by, page));
        const problem = await broadcasts.draftProblem(draft);
        if (problem)
          throw new Problem('makes-no-sense', `${fieldName(problem.field, page.locale)} ${problem.why[page.locale]}`);
        if (form.save_as !== undefined) await broadcasts.segments.save(form.save_as, draft.segment, by);
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
      load: (context, { query: { missed, of, segment } }) =>
        fromHistory(context, async () => {
          const draft = of === undefined ? undefined : await context.broadcasts.planned.find(of);
          const saved = await context.broadcasts.segments.list();
          const chosen = saved.find(({ name }) => name === segment);
          const given = SegmentConditions.safeParse(chosen?.conditions ?? draft?.segment ?? {});
          const values = given.success && {
            ...(draft && formOfDraft(draft)),
            ...formOfSegment(given.data),
            ...(missed && { missed }),
          };
          return { values, names: saved.map(({ name }) => name) };
        }),
      draw: (from, { form, link, locale, say }) =>
        drawHistory(
          from,
          locale,
          ({ names, values }) =>
            html`<p class="muted">${say('how')}</p>${
              names.length === 0
                ? ''
                : html`<p>${say('saved')}: ${join(
                    names.map((name) => html`<a href="${link({ segment: name })}">${name}</a>`),
                    ', ',
                  )}</p>`
            }${values ? form('keep', { values, hidden: { id: randomUUID() } }) : emptyState(say('unreadable'))}`,
        ),
    }),
  ],
});

type PictureWord = 'noPicture' | 'tooBig' | 'wrongSides';
const PICTURE_WORDS: Readonly<Record<PictureProblem, PictureWord>> = {
  ...{ no_picture: 'noPicture', too_big: 'tooBig', wrong_sides: 'wrongSides' },
};

/** Keeps a picture that was chosen. Answers the id of the draft's picture. */
async function keptPicture(
  { keepPicture }: BroadcastsContext,
  { no_picture: isWithout, picture }: { no_picture?: boolean | undefined; picture?: string | undefined },
  by: string,
  { say }: Page<PictureWord>,
): Promise<string | undefined> {
  if (isWithout || picture === undefined) return undefined;
  if (!picture.startsWith('data:')) return picture;
  const done = await keepPicture(Buffer.from(picture.slice(picture.indexOf(',') + 1), 'base64'), by);
  if ('problem' in done) throw new Problem('makes-no-sense', say(PICTURE_WORDS[done.problem]));
  return done.id;
}

/** The field of the composer that a problem is about, as the form calls it. */
function fieldName(field: DraftProblem['field'], locale: Locale): string {
  const name = { paid: 'stars', picture: 'picture', 'texts.en': 'text_en', 'texts.ru': 'text_ru' }[field];
  return COMPOSER_FIELDS[name]?.label[locale] ?? name;
}

import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import type { KeptLine } from '../../../../repositories/history/receipts.ts';
import { openActs } from '../../../receipts.ts';
import { undoReceipt } from '../../api/receipts.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { Problem } from '../../problem.ts';
import { dataTable } from '../components/data-table.ts';
import { pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

const LISTED = 50;

/** One receipt: each act with what stood before, and the button that undoes what still stands. */
export default defineView({
  path: '/receipts/:id',
  needs: 'admin',
  texts: {
    title: { en: 'Receipt', ru: 'Квитанция' },
    facts: { en: 'What was done', ru: 'Что сделано' },
    acts: { en: 'Each act', ru: 'Каждое действие' },
    task: { en: 'Task', ru: 'Задача' },
    job: { en: 'Job', ru: 'Задание' },
    by: { en: 'Asked by', ru: 'Кто поставил' },
    when: { en: 'Began', ru: 'Началось' },
    effect: { en: 'Done', ru: 'Сделано' },
    subject: { en: 'To', ru: 'С кем или чем' },
    before: { en: 'Before', ru: 'Было' },
    at: { en: 'When', ru: 'Когда' },
    undoing: { en: 'Undoing', ru: 'Отмена' },
    unsure: { en: 'it is not known whether it was done', ru: 'неизвестно, сделано ли' },
    undone: { en: 'undone', ru: 'отменено' },
    begun: { en: 'being undone', ru: 'отменяется' },
    left: { en: 'left alone', ru: 'не тронуто' },
    lost: {
      en: 'Acts that could not be noted; the audit trail has them',
      ru: 'Не записано действий; они есть в журнале',
    },
    nothing: { en: 'There are no more acts.', ru: 'Действий больше нет.' },
    file: { en: 'All acts (CSV)', ru: 'Все действия (CSV)' },
    undo: { en: 'Undo', ru: 'Отменить сделанное' },
    dryUndo: { en: 'What would an undo do?', ru: 'Что сделает отмена?' },
    sureUndo: {
      en: 'Up to % acts are undone where they still stand as they were left; the others are named. A schedule may do them again. Undo?',
      ru: 'Будет отменено действий: до %, если с тех пор ничего не изменилось; остальные будут названы. Расписание может сделать это снова. Отменить?',
    },
    asked: { en: 'The undo is in its queue, as job %.', ru: 'Отмена поставлена в очередь, задание %.' },
    none: { en: 'There is no receipt %.', ru: 'Квитанции % нет.' },
  },
  params: z.object({ id: z.guid() }),
  query: z.object({ cursor: z.guid().optional() }),

  deeds: ({ deed }) => ({
    undo: deed({
      needs: 'admin',
      label: 'undo',
      tone: 'bad',
      async ask({ receipts }, { page, params: { id } }) {
        return page.say('sureUndo', numberText(openActs(await receipts.counts(id), receipts.undoable), page.locale));
      },
      async run(context, { caller, page, params: { id } }) {
        const { act, jobId } = await undoReceipt(context, { id, dryRun: false, caller: callerOf(caller) });
        return { receipt: page.say('asked', jobId), act };
      },
    }),
    dryUndo: deed({
      needs: 'admin',
      label: 'dryUndo',
      async run(context, { caller, page, params: { id } }) {
        const { act, jobId } = await undoReceipt(context, { id, dryRun: true, caller: callerOf(caller) });
        return { receipt: page.say('asked', jobId), act, goTo: `/jobs/${encodeURIComponent(jobId)}` };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'facts',
      heading: 'facts',
      everyMs: seconds(5),
      load: (context, { params: { id } }) =>
        fromHistory(context, async () => {
          const receipt = await context.receipts.find(id);
          if (!receipt) throw new Problem('not-found', `There is no receipt ${id}.`);
          const counts = await context.receipts.counts(id);
          const effects = context.registry.find(receipt.task)?.task.mass?.effects ?? {};
          const { final } = context.receipts.words;
          return { receipt, counts, effects, final, open: openActs(counts, context.receipts.undoable) };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ counts, effects, final, open, receipt }) => {
          const { form, locale, say } = page;
          const n = (count: number): string => numberText(count, locale);
          const done = counts.map(({ acts, effect, left, undone, unsure }) => {
            const more = [
              ...(unsure > 0 ? [`${n(unsure)}: ${say('unsure')}`] : []),
              ...(undone > 0 ? [`${say('undone')}: ${n(undone)}`] : []),
              ...(left > 0 ? [`${say('left')}: ${n(left)}`] : []),
            ].join('; ');
            const why = final[effect]?.[locale];
            return html`<dt>${effects[effect]?.[locale] ?? effect}</dt><dd>${n(acts)}${more ? html` <span class="muted">${more}</span>` : ''}${why ? html`<p class="muted">${why}</p>` : ''}</dd>`;
          });
          return html`<dl class="facts">
<dt>${say('task')}</dt><dd><a href="/tasks/${receipt.task}"><code>${receipt.task}</code></a></dd>
<dt>${say('job')}</dt><dd><a href="/jobs/${encodeURIComponent(receipt.jobId)}"><code class="wrap">${receipt.jobId}</code></a></dd>
<dt>${say('by')}</dt><dd>${personOf(receipt.initiatedBy)}</dd>
<dt>${say('when')}</dt><dd>${timeAt(receipt.beganAt, page)}</dd>
${join(done, '')}${receipt.lost > 0 ? html`<dt>${say('lost')}</dt><dd>${n(receipt.lost)}</dd>` : ''}</dl>
<p class="actions"><a class="button" href="/api/v1/receipts/${receipt.id}/lines.csv" download>${say('file')}</a>${
            open > 0 ? html`${form('dryUndo', { about: receipt.task })}${form('undo', { about: receipt.task })}` : ''
          }</p>`;
        }),
    }),
    part({
      name: 'acts',
      heading: 'acts',
      load: (context, { params: { id }, query: { cursor } }) =>
        fromHistory(context, async () => {
          const receipt = await context.receipts.find(id);
          const effects = (receipt && context.registry.find(receipt.task)?.task.mass?.effects) ?? {};
          return {
            effects,
            reasons: context.receipts.words.left,
            lines: await context.receipts.lines(id, LISTED + 1, cursor),
          };
        }),
      draw: (from, page, { query: { cursor } }) =>
        drawHistory(from, page.locale, ({ effects, lines, reasons }) => {
          const { locale, say } = page;
          const rows = lines.slice(0, LISTED);
          if (rows.length === 0) return emptyState(say('nothing'));
          const undoing = ({ undo }: KeptLine) => {
            if (!undo) return '–';
            const tone = undo.state === 'undone' ? 'good' : undo.state === 'left' ? 'warn' : 'calm';
            return html`${stateBadge(tone, say(undo.state))}${undo.why ? html` <span class="muted">${reasons[undo.why][locale]}</span>` : ''}`;
          };
          const table = dataTable({
            caption: say('acts'),
            rows,
            idOf: ({ act }) => `act-${act}`,
            columns: [
              { heading: say('subject'), cell: ({ subject }) => html`<span class="wrap">${subject}</span>` },
              {
                heading: say('effect'),
                cell: ({ doneAt, effect }) =>
                  html`${effects[effect]?.[locale] ?? effect}${doneAt ? '' : html` <span class="muted">${say('unsure')}</span>`}`,
              },
              {
                heading: say('before'),
                cell: ({ was }) =>
                  html`${was.status ?? ''} ${was.expire_at ? timeAt(new Date(was.expire_at), page) : ''}`,
              },
              { heading: say('at'), cell: ({ begunAt, doneAt }) => timeAt(doneAt ?? begunAt, page) },
              { heading: say('undoing'), cell: undoing },
            ],
          });
          const next = lines.length > LISTED ? rows.at(-1)!.act : undefined;
          return html`${table}${pagination(next, cursor === undefined, page)}`;
        }),
    }),
  ],
});

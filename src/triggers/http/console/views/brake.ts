import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { said } from '../../../../lib/said.ts';
import { type BrakeAnswer, brakeAnswers } from '../../../brakes.ts';
import { RowCursor, rowCursor } from '../../../row-cursor.ts';
import { brakeOr404, messagesHeld } from '../../api/brakes.ts';
import { dataTable } from '../components/data-table.ts';
import { pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';

const LISTED = 50;

/** One brake: what it holds, who waits, and what was answered to it. */
export default defineView({
  path: '/brakes/:name',
  needs: 'view',
  texts: {
    title: { en: 'Held', ru: 'Удержание' },
    held: { en: 'Held now', ru: 'Удержано сейчас' },
    nothing: { en: 'Nothing is held here now.', ru: 'Здесь сейчас ничего не удержано.' },
    decide: { en: 'Decide on the first page', ru: 'Решить на первой странице' },
    list: { en: 'whom: %', ru: 'кого: %' },
    kept: { en: 'list kept until', ru: 'список хранится до' },
    waits: { en: 'Who waits', ru: 'Кто ждёт' },
    nobody: { en: 'No message waits here.', ru: 'Здесь не ждёт ни одно сообщение.' },
    chat: { en: 'Chat', ru: 'Чат' },
    text: { en: 'Text', ru: 'Текст' },
    due: { en: 'Was due', ru: 'Срок был' },
    answers: { en: 'Earlier answers', ru: 'Прежние ответы' },
    none: { en: 'Nobody has answered within 90 days.', ru: 'За 90 дней никто не отвечал.' },
    when: { en: 'When', ru: 'Когда' },
    who: { en: 'Who', ru: 'Кто' },
    answer: { en: 'Answer', ru: 'Ответ' },
    what: { en: 'What was held, what was done', ru: 'Что было удержано и что сделано' },
    until: { en: 'Holds until', ru: 'Действует до' },
    over: { en: 'expired', ru: 'истёк' },
    done: { en: 'done at once', ru: 'выполнен сразу' },
    'is.go': { en: 'let it run', ru: 'разрешить' },
    'is.only_these': { en: 'run for these only', ru: 'только для этих' },
    'is.not_this_time': { en: 'not this time', ru: 'не в этот раз' },
    'is.send': { en: 'send them', ru: 'отправить' },
    'is.drop': { en: 'drop them', ru: 'отбросить' },
  },
  params: z.object({ name: z.string().regex(/^[\w:-]{1,100}$/) }),
  query: z.object({ cursor: RowCursor.optional() }),
  heading: ({ name }) => name,

  parts: ({ part }) => [
    part({
      name: 'held',
      heading: 'held',
      everyMs: seconds(15),
      load: (context, { params: { name } }) => brakeOr404(context, name),
      draw(held, page) {
        const { locale, say } = page;
        if (!held) return emptyState(say('nothing'));
        const list = held.list
          ? html` <a href="/api/v1/exports/${held.list.exportId}" download>${say('list', numberText(held.list.rows, locale))}</a> <span class="muted">${say('kept')} ${timeAt(held.list.expiresAt, page)}</span>`
          : '';
        const since = held.since ? html` <span class="muted">${timeAgo(held.since, page)}</span>` : '';
        return html`<p>${held.held[locale]}${since}${list}</p><p><a href="/">${say('decide')}</a></p>`;
      },
    }),
    part({
      name: 'waits',
      heading: 'waits',
      needs: 'support',
      load: (context, { params: { name }, query: { cursor } }) =>
        messagesHeld(context, name, { after: cursor, limit: LISTED }),
      draw({ messages, next }, page, { query: { cursor } }) {
        const { say } = page;
        if (messages.length === 0) return emptyState(say('nobody'));
        const table = dataTable({
          caption: say('waits'),
          rows: messages,
          idOf: ({ id }) => `message-${id}`,
          columns: [
            {
              heading: say('chat'),
              cell: ({ telegramId }) => html`<a href="/messages?chat=${telegramId}">${telegramId}</a>`,
            },
            {
              heading: say('text'),
              cell: ({ beginning, type }) => html`${beginning}<span class="muted about">${type ?? ''}</span>`,
            },
            {
              heading: say('due'),
              cell: ({ scheduledAt }) => (scheduledAt ? timeAt(scheduledAt, page) : ''),
            },
          ],
        });
        return html`${table}${pagination(rowCursor(next), cursor === undefined, page)}`;
      },
    }),
    part({
      name: 'answers',
      heading: 'answers',
      load: async (context, { params: { name } }) => (await brakeAnswers(context, name, {})).answers,
      draw(answers, page) {
        const { say } = page;
        if (answers.length === 0) return emptyState(say('none'));
        return dataTable({
          caption: say('answers'),
          rows: answers,
          idOf: ({ id }) => `answer-${id}`,
          columns: [
            { heading: say('when'), cell: ({ at }) => timeAt(at, page) },
            {
              heading: say('who'),
              cell: ({ by, role }) => html`${personOf(by ?? '')} <span class="muted">${role ?? ''}</span>`,
            },
            { heading: say('answer'), cell: (answer) => answerOf(answer, page) },
            { heading: say('until'), cell: (answer) => untilOf(answer, page) },
            {
              heading: say('what'),
              cell: ({ done = '', held = '' }) =>
                html`${said(held, page.locale)}<span class="muted about">${said(done, page.locale)}</span>`,
            },
          ],
        });
      },
    }),
  ],
});

const ANSWERS = ['go', 'only_these', 'not_this_time', 'send', 'drop'] as const;

function answerOf({ decision }: BrakeAnswer, { say }: Pick<Page<`is.${(typeof ANSWERS)[number]}`>, 'say'>): string {
  const known = ANSWERS.find((one) => one === decision);
  return known ? say(`is.${known}`) : decision;
}

/** A decision about a run holds for a time; a backlog is sent or dropped at once. */
function untilOf({ holdsUntil }: BrakeAnswer, page: Page<'done' | 'over'>) {
  if (!holdsUntil) return page.say('done');
  return holdsUntil > page.now ? timeAt(holdsUntil, page) : stateBadge('calm', page.say('over'));
}

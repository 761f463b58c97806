import { approvalText } from '../../../../lib/approval-text.ts';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import type { Approval } from '../../../../repositories/history/approval-rows.ts';
import { APPROVER_ROLE } from '../../../approvals.ts';
import {
  APPROVAL_DEEDS,
  APPROVAL_WORDS,
  approvalBadge,
  approvalButtons,
  approvalFacts,
  type SeenApproval,
  seenBy,
} from '../approval-words.ts';
import { dataTable } from '../components/data-table.ts';
import { personOf } from '../components/people.ts';
import { emptyState } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

const LISTED = 50;
/** A list of a hundred thousand users is not read here; the API has it whole. */
const PAYLOAD_SHOWN = 2_000;

/** Acts that wait for a second person, and what became of earlier ones. */
export default defineView({
  path: '/approvals',
  needs: APPROVER_ROLE,
  texts: {
    title: { en: 'Approvals', ru: 'Подтверждения' },
    waiting: { en: 'Waits for a second person', ru: 'Ждёт второго человека' },
    nothing: { en: 'Nothing waits for a second person.', ru: 'Второго человека ничто не ждёт.' },
    past: { en: 'Earlier', ru: 'Прежние' },
    noPast: { en: 'Nobody has asked for anything yet.', ru: 'Пока никто ни о чём не просил.' },
    what: { en: 'What', ru: 'Что' },
    state: { en: 'State', ru: 'Состояние' },
    who: { en: 'Asked by', ru: 'Кто просил' },
    decided: { en: 'Decided by', ru: 'Кто решил' },
    details: { en: 'With what', ru: 'С чем именно' },
    rest: { en: 'The rest: %', ru: 'Остальное: %' },
    ...APPROVAL_WORDS,
  },

  deeds: ({ deed }) => ({
    approve: deed(APPROVAL_DEEDS.approve),
    refuse: deed(APPROVAL_DEEDS.refuse),
    takeBack: deed(APPROVAL_DEEDS.takeBack),
  }),

  parts: ({ part }) => [
    part({
      name: 'waiting',
      heading: 'waiting',
      everyMs: seconds(10),
      load: (context, { page }) =>
        fromHistory(context, async () => seenBy(context, await context.approvals.open(LISTED), page.person)),
      draw: (from, page) =>
        drawHistory(from, page.locale, (approvals) => {
          const { locale, say } = page;
          if (approvals.length === 0) return emptyState(say('nothing'));
          return dataTable<SeenApproval>({
            caption: say('waiting'),
            rows: approvals,
            idOf: ({ id }) => `approval-${id}`,
            columns: [
              {
                heading: say('what'),
                cell: (one) => {
                  const text = JSON.stringify(one.payload, undefined, 1);
                  const isCut = text.length > PAYLOAD_SHOWN;
                  const rest = html`<p><a href="/api/v1/approvals/${one.id}">${say('rest', `/api/v1/approvals/${one.id}`)}</a></p>`;
                  return html`<strong>${approvalText(one, locale)}</strong>${approvalFacts(one, page)}<details><summary>${say('details')}</summary><code class="wrap">${text.slice(0, PAYLOAD_SHOWN)}</code>${isCut ? rest : ''}</details>`;
                },
              },
              {
                heading: '',
                kind: 'actions',
                cell: (one) => approvalButtons(one, page, approvalText(one, locale)),
              },
            ],
          });
        }),
    }),
    part({
      name: 'past',
      heading: 'past',
      everyMs: seconds(30),
      load: (context) =>
        fromHistory(context, async () =>
          (await context.approvals.list(LISTED)).filter(({ state }) => state !== 'waiting'),
        ),
      draw: (from, page) =>
        drawHistory(from, page.locale, (approvals) => {
          const { locale, say } = page;
          if (approvals.length === 0) return emptyState(say('noPast'));
          return dataTable<Approval>({
            caption: say('past'),
            rows: approvals,
            idOf: ({ id }) => `past-${id}`,
            columns: [
              {
                heading: say('what'),
                cell: (one) =>
                  one.kind === 'task' && one.state === 'approved'
                    ? html`<a href="/jobs/${one.id}">${approvalText(one, locale)}</a>`
                    : approvalText(one, locale),
              },
              {
                heading: say('state'),
                cell: (one) =>
                  html`${approvalBadge(one, locale)}${one.why ? html`<span class="muted about">${one.why}</span>` : ''}`,
              },
              {
                heading: say('who'),
                cell: ({ askedAt, askedBy }) => html`${personOf(askedBy)} ${timeAgo(askedAt, page)}`,
              },
              {
                heading: say('decided'),
                cell: ({ decidedAt, decidedBy }) =>
                  decidedBy && decidedAt ? html`${personOf(decidedBy)} ${timeAgo(decidedAt, page)}` : '–',
              },
            ],
          });
        }),
    }),
  ],
});

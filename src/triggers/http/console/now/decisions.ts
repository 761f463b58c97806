import { type Html, html, join } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { deadLetters } from '../../api/dead-letters.ts';
import type { HeldBrake, HttpContext } from '../../context.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import type { Page } from '../define-view.ts';
import { type NowState, waitingPayments } from './state.ts';
import type { NowWord } from './words.ts';

/** So many dead letters are named; the list has the others. */
const LETTERS_SHOWN = 3;

export type OpenDecisions = {
  brakes: readonly HeldBrake[];
  payments: NonNullable<NowState['payments']>;
  letters: Awaited<ReturnType<typeof deadLetters>>;
};

export async function decisionsOf(context: HttpContext, { locale }: Page<NowWord>): Promise<OpenDecisions> {
  const [brakes, payments, letters] = await Promise.all([
    context.brakes.list(),
    waitingPayments(context, locale),
    deadLetters(context, LETTERS_SHOWN + 1),
  ]);
  return { brakes, payments, letters };
}

/** What a person must decide, each with its buttons. */
export function drawDecisions(
  { brakes, letters, payments }: OpenDecisions,
  page: Page<NowWord, HeldDecision | 'replay'>,
): Html {
  const { form, locale, may, say } = page;
  const held = brakes.map(
    ({ decisions, held: what, list, name, since }) =>
      html`<li id="brake-${name}"><span class="grow">${stateBadge('warn', say('held'))} ${what[locale]}${since ? html` <span class="muted">${timeAgo(since, page)}</span>` : ''}${drawList(list, page)}</span><span class="actions">${join(
        decisions.filter(isDecision).map((decision) => form(decision, { key: name, hidden: { name }, about: name })),
        '',
      )}</span></li>`,
  );
  const waiting = may('support')
    ? payments.payments.map(
        ({ customer, id, since, why }) =>
          html`<li id="payment-${id}"><span class="grow">${stateBadge('bad', say('payment'))} <a href="/payments/${id}">${customer.username ?? id}</a>: ${why}${since ? html` <span class="muted">${timeAgo(since, page)}</span>` : ''}</span></li>`,
      )
    : [];
  const failed = letters
    .slice(0, LETTERS_SHOWN)
    .map(
      ({ failed_at: at, id, kind, reason, task }) =>
        html`<li id="letter-${id}"><span class="grow">${stateBadge('bad', say('deadLetter'))} ${kind === 'job' ? html`<a href="/jobs/${id}">${task}</a>` : task || '?'} <span class="muted">${timeAgo(new Date(at), page)}</span><span class="muted about">${reason}</span></span><span class="actions">${form('replay', { key: id, hidden: { id }, about: task })}</span></li>`,
    );
  const all = [...held, ...waiting, ...failed];
  if (all.length === 0) return emptyState(say('nothingToDecide'));
  const more = [
    ...(payments.more && may('support')
      ? [html`<a href="/payments">${say('promisePayments')}: ${say('andMore')}</a>`]
      : []),
    ...(letters.length > LETTERS_SHOWN ? [html`<a href="/jobs?state=dead">${say('allDead')}</a>`] : []),
  ];
  return html`<ul class="list">${join(all, '')}</ul>${more.length > 0 ? html`<p>${join(more, ' · ')}</p>` : ''}`;
}

const DECISIONS = ['go', 'only_these', 'not_this_time', 'send', 'drop'] as const;
export type HeldDecision = (typeof DECISIONS)[number];
const isDecision = (text: string): text is HeldDecision => DECISIONS.some((one) => one === text);

/** Whom the held run would touch, and until when that list is kept. */
function drawList(list: HeldBrake['list'], page: Page<NowWord>): Html {
  if (!list) return html``;
  const { locale, say } = page;
  const until = html`<span class="muted">${say('heldUntil')} ${timeAt(list.expiresAt, page)}</span>`;
  return html` <a href="/api/v1/exports/${list.exportId}" download>${say('heldList', numberText(list.rows, locale))}</a> ${until} <a href="/audit?action=brake.confirmed">${say('decided_before')}</a>`;
}

import { approvalText } from '../../../../lib/approval-text.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { said } from '../../../../lib/said.ts';
import type { Approval } from '../../../../repositories/history/approval-rows.ts';
import type { PlannedBroadcast } from '../../../../repositories/history/planned-broadcasts.ts';
import { APPROVER_ROLE } from '../../../approvals.ts';
import type { HeldBrake } from '../../../brakes.ts';
import { deadLetters } from '../../api/dead-letters.ts';
import type { HttpContext } from '../../context.ts';
import { approvalButtons, approvalFacts, type SeenApproval, seenBy } from '../approval-words.ts';
import { HELD_WORDS } from '../broadcast-texts.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import type { Page } from '../define-view.ts';
import { type NowState, waitingPayments } from './state.ts';
import type { NowWord } from './words.ts';

/** So many dead letters are named; the list has the others. */
const LETTERS_SHOWN = 3;

/** So many held broadcasts are shown here; their view has the others. */
const BROADCASTS_SHOWN = 5;

/** So many acts that wait for a second person are shown here; their view has the others. */
const APPROVALS_SHOWN = 5;

export type OpenDecisions = {
  approvals: readonly SeenApproval[];
  brakes: readonly HeldBrake[];
  broadcasts: readonly PlannedBroadcast[];
  payments: NonNullable<NowState['payments']>;
  letters: Awaited<ReturnType<typeof deadLetters>>;
};

export async function decisionsOf(
  context: HttpContext,
  { locale, may, person }: Page<NowWord>,
): Promise<OpenDecisions> {
  const [approvals, broadcasts, brakes, payments, letters] = await Promise.all([
    may(APPROVER_ROLE) ? openApprovals(context, APPROVALS_SHOWN) : [],
    may('admin') ? heldBroadcasts(context, BROADCASTS_SHOWN) : [],
    context.brakes.list(),
    waitingPayments(context, locale),
    deadLetters(context, LETTERS_SHOWN + 1),
  ]);
  return { approvals: seenBy(context, approvals, person), brakes, broadcasts, payments, letters };
}

/** What waits for a second person; nothing where our schema is not installed, since nothing can wait then. */
export async function openApprovals({ approvals, history }: HttpContext, limit: number): Promise<readonly Approval[]> {
  return (await history.missing()) ? [] : await approvals.open(limit);
}

/** Broadcasts that the worker paused itself; none where our schema is not installed. */
async function heldBroadcasts(
  { broadcasts, history }: HttpContext,
  limit: number,
): Promise<readonly PlannedBroadcast[]> {
  return (await history.missing()) ? [] : await broadcasts.planned.held(limit);
}

/** What a person must decide, each with its buttons. */
export function drawDecisions(
  { approvals, brakes, broadcasts, letters, payments }: OpenDecisions,
  page: Page<NowWord, HeldDecision | 'approve' | 'cancel' | 'refuse' | 'replay' | 'resume' | 'takeBack'>,
): Html {
  const { form, locale, may, say } = page;
  const held = brakes.map(
    ({ decisions, held: what, list, name, since }) =>
      html`<li id="brake-${name}"><span class="grow">${stateBadge('warn', say('held'))} ${what[locale]}${since ? html` <span class="muted">${timeAgo(since, page)}</span>` : ''}${drawList(list, page)} <a href="/brakes/${name}">${say('decided_before')}</a></span><span class="actions">${join(
        decisions.filter(isDecision).map((decision) => form(decision, { key: name, hidden: { name }, about: name })),
        '',
      )}</span></li>`,
  );
  const paused = broadcasts.map(
    ({ begunAt, heldBecause, id, name }) =>
      html`<li id="broadcast-${id}"><span class="grow">${stateBadge('warn', say('held'))} <a href="/broadcasts/${id}">${name}</a>: ${heldBecause ? HELD_WORDS[heldBecause][locale] : ''}${begunAt ? html` <span class="muted">${timeAgo(begunAt, page)}</span>` : ''}</span><span class="actions">${form('resume', { key: id, hidden: { id }, about: name })}${form('cancel', { key: id, hidden: { id }, about: name })}</span></li>`,
  );
  const seconds = approvals.map((one) => {
    const what = approvalText(one, locale);
    return html`<li id="approval-${one.id}"><span class="grow">${stateBadge('warn', say('secondYes'))} <a href="/approvals">${what}</a>${approvalFacts(one, page)}</span><span class="actions">${approvalButtons(one, page, what)}</span></li>`;
  });
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
        html`<li id="letter-${id}"><span class="grow">${stateBadge('bad', say('deadLetter'))} ${kind === 'job' ? html`<a href="/jobs/${id}">${task}</a>` : task || '?'} <span class="muted">${timeAgo(new Date(at), page)}</span><span class="muted about">${said(reason, locale)}</span></span><span class="actions">${form('replay', { key: id, hidden: { id }, about: task })}</span></li>`,
    );
  const all = [...seconds, ...held, ...paused, ...waiting, ...failed];
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
  return html` <a href="/api/v1/exports/${list.exportId}" download>${say('heldList', numberText(list.rows, locale))}</a> ${until}`;
}

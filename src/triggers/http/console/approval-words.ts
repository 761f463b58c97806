import { z } from 'zod';
import { approvalText } from '../../../lib/approval-text.ts';
import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { Approval, ApprovalState } from '../../../repositories/history/approval-rows.ts';
import { APPROVER_ROLE } from '../../approvals.ts';
import { decideApproval } from '../api/approvals.ts';
import { callerOf } from '../auth/audited-caller.ts';
import type { Caller } from '../auth/guard.ts';
import type { HttpContext } from '../context.ts';
import { personOf } from './components/people.ts';
import { stateBadge, type Tone } from './components/states.ts';
import { timeAgo, timeAt } from './components/times.ts';
import type { Deed, Page, Text } from './define-view.ts';

/** The words of views that show acts which wait for a second person. */
export const APPROVAL_WORDS = {
  secondYes: { en: 'second yes', ru: 'второе «да»' },
  approve: { en: 'Yes, do it', ru: 'Да, выполнить' },
  refuse: { en: 'No', ru: 'Нет' },
  takeBack: { en: 'Take back', ru: 'Отозвать' },
  askedBy: { en: 'asked by', ru: 'просит' },
  voidAfter: { en: 'void after', ru: 'истекает' },
  seal: { en: 'digest', ru: 'отпечаток' },
  sureApprove: { en: '% asks for: %. Do it now?', ru: '% просит: %. Выполнить сейчас?' },
  approved: { en: 'It is on its way: %.', ru: 'Выполняется: %.' },
  refused: { en: 'It will not be done: %.', ru: 'Выполнено не будет: %.' },
} as const satisfies Readonly<Record<string, Text>>;
export type ApprovalWord = keyof typeof APPROVAL_WORDS;

const STATES: Readonly<Record<ApprovalState, { tone: Tone; text: Text }>> = {
  waiting: { tone: 'warn', text: { en: 'waits', ru: 'ждёт' } },
  approved: { tone: 'good', text: { en: 'approved', ru: 'одобрено' } },
  refused: { tone: 'calm', text: { en: 'refused', ru: 'отклонено' } },
  expired: { tone: 'calm', text: { en: 'expired', ru: 'истекло' } },
  failed: { tone: 'bad', text: { en: 'not possible any more', ru: 'уже невозможно' } },
};

export const approvalBadge = ({ state }: Approval, locale: Locale): Html =>
  stateBadge(STATES[state].tone, STATES[state].text[locale]);

/** Shows the person who asked, the end of its waiting, and the digest that a yes is for. */
export function approvalFacts({ askedAt, askedBy, digest, expiresAt }: Approval, page: Page<ApprovalWord>): Html {
  const { say } = page;
  return html`<span class="muted about">${say('askedBy')} ${personOf(askedBy)} ${timeAgo(askedAt, page)}, ${say('voidAfter')} ${timeAt(expiresAt, page)}, ${say('seal')} <code>${digest.slice(0, 12)}</code></span>`;
}

/** An act that waits, as one person sees it. */
export type SeenApproval = Approval & { isMine: boolean };

/** Says of each whether this person asked for it, by any door. */
export const seenBy = (
  { approvals }: Pick<HttpContext, 'approvals'>,
  found: readonly Approval[],
  person: Caller,
): readonly SeenApproval[] => found.map((one) => ({ ...one, isMine: approvals.isOf(one, callerOf(person)) }));

/** Yes and no; the person who asked gets neither of them, and may take it back. */
export function approvalButtons(
  { digest, id, isMine, state }: SeenApproval,
  { form }: Page<ApprovalWord, 'approve' | 'refuse' | 'takeBack'>,
  about: string,
): Html {
  if (state !== 'waiting' && state !== 'approved') return html``;
  const sent = { key: id, hidden: { id, digest }, about };
  if (isMine) return state === 'waiting' ? form('takeBack', sent) : html``;
  return html`${form('approve', sent)}${state === 'waiting' ? form('refuse', sent) : ''}`;
}

const Sent = { schema: z.object({ id: z.guid(), digest: z.string().length(64) }), fields: {} };
type Sent = typeof Sent.schema;

/** The acts that decide, for views that have the words. */
export const APPROVAL_DEEDS = {
  approve: {
    needs: APPROVER_ROLE,
    label: 'approve',
    tone: 'bad',
    form: Sent,
    async ask({ approvals }, { form: { id }, page }) {
      const approval = await approvals.find(id);
      return approval && page.say('sureApprove', personOf(approval.askedBy), approvalText(approval, page.locale));
    },
    async run(context, { caller, form, page }) {
      const { act, approval } = await decideApproval(context, { ...form, caller: callerOf(caller) }, page.locale);
      return { receipt: page.say('approved', approvalText(approval, page.locale)), act: act ?? 'recorded' };
    },
  },
  refuse: refusal('refuse'),
  takeBack: refusal('takeBack'),
} as const satisfies Readonly<Record<string, Deed<Sent, unknown, unknown, ApprovalWord, string>>>;

function refusal(label: 'refuse' | 'takeBack'): Deed<Sent, unknown, unknown, ApprovalWord, string> {
  return {
    needs: APPROVER_ROLE,
    label,
    form: Sent,
    async run(context, { caller, form: { id }, page }) {
      const { act, approval } = await decideApproval(context, { id, caller: callerOf(caller) }, page.locale);
      return { receipt: page.say('refused', approvalText(approval, page.locale)), act: act ?? 'recorded' };
    },
  };
}

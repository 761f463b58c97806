import { createHash } from 'node:crypto';
import { type Html, html } from '../../../lib/html.ts';
import { numberText } from '../../../lib/quantities.ts';
import { APPROVER_ROLE } from '../../approvals.ts';
import type { HttpContext } from '../context.ts';
import type { Page } from './define-view.ts';
import type { DrawnPart } from './draw-parts.ts';
import { openApprovals } from './now/decisions.ts';

export const BELL = 'bell';
const EVERY_MS = 15_000;

/** More than so many of one kind are not counted. */
const COUNTED = 100;

/** How much waits for a person: alerts that are on, and what this person may decide. Undefined: not known. */
export async function bellCount(context: HttpContext, { locale, may }: Page): Promise<number | undefined> {
  try {
    const { brakes, state, waitingPayments } = context;
    const [alerts, approvals, held, { payments }] = await Promise.all([
      state.alerts(),
      may(APPROVER_ROLE) ? openApprovals(context, COUNTED) : [],
      brakes.list(),
      may('support') ? waitingPayments(locale) : { payments: [] },
    ]);
    return alerts.length + approvals.length + held.length + payments.length;
  } catch {
    return undefined;
  }
}

/** The bell of the header; the script puts its count into the title. */
export function drawBell(count: number | undefined, { locale, say }: Page): DrawnPart {
  const shown = count === undefined ? '?' : numberText(count, locale);
  const name = say('bell', shown);
  const section: Html = html`<a class="bell${count === 0 ? ' quiet' : ''}" id="${BELL}" href="/" data-part data-every="${EVERY_MS}" data-hash="${hashOf(name)}" data-count="${count ?? 0}" aria-label="${name}" title="${name}"><span aria-hidden="true">${shown}</span></a>`;
  return { name: BELL, hash: hashOf(name), section };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 10);

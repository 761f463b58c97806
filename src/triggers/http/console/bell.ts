import { createHash } from 'node:crypto';
import { type Html, html } from '../../../lib/html.ts';
import { numberText } from '../../../lib/quantities.ts';
import type { HttpContext } from '../context.ts';
import type { Page } from './define-view.ts';
import type { DrawnPart } from './draw-parts.ts';

export const BELL = 'bell';
const EVERY_MS = 15_000;

/** How much waits for a person: alerts that are on, and effects that are held. Undefined: not known. */
export async function bellCount({ brakes, state }: HttpContext): Promise<number | undefined> {
  try {
    const [alerts, held] = await Promise.all([state.alerts(), brakes.list()]);
    return alerts.length + held.length;
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

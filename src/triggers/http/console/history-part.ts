import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { HistoryContext } from '../../history.ts';
import type { HttpContext } from '../context.ts';

/** What a part has from the history, or the sentence that says why there is none and what to run. */
export type FromHistory<T> = { data: T; missing?: never } | { missing: Readonly<Record<Locale, string>> };

/** Reads from the history where it is kept. */
export async function fromHistory<T>(
  { history }: Pick<HttpContext, 'history'>,
  read: (history: HistoryContext) => Promise<T>,
): Promise<FromHistory<T>> {
  const missing = await history.missing();
  return missing ? { missing } : { data: await read(history) };
}

/** Draws what was read, or the sentence. */
export function drawHistory<T>(from: FromHistory<T>, locale: Locale, draw: (data: T) => Html): Html {
  return from.missing ? html`<p class="muted empty">${from.missing[locale]}</p>` : draw(from.data);
}

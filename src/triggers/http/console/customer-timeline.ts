import { type Html, html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { ExplainedUser, HttpContext } from '../context.ts';
import { personOf } from './components/people.ts';
import { stateBadge } from './components/states.ts';
import { messageBadge } from './message-words.ts';
import { paymentBadge, priceText } from './payment-words.ts';
import { OUTCOME_TEXTS, OUTCOME_TONES } from './run-words.ts';

/** One thing that was done to or for a customer. */
export type TimelineEntry = {
  at: Date;
  kind: 'message' | 'payment' | 'job' | 'act';
  what: Html;
  /** The failed message that may be sent again, the payment that may be looked at. */
  messageId?: string;
  paymentId?: string;
};

export type Timeline = {
  entries: readonly TimelineEntry[];
  /** Sources that did not answer, each with its reason: their entries are missing. */
  silent: readonly { source: TimelineEntry['kind']; reason: string }[];
};

const OF_EACH = 50;

/**
 * Everything on record about one customer, the newest first. Each source is asked on its own: one that does not answer is named, and the
 * others stand.
 */
export async function customerTimeline(
  context: HttpContext,
  { panelUser, telegramId, username }: ExplainedUser,
  locale: Locale,
): Promise<Timeline> {
  const names = [username, panelUser, ...(telegramId === undefined ? [] : [String(telegramId)])];
  const silent: { source: TimelineEntry['kind']; reason: string }[] = [];
  const from = async (
    source: TimelineEntry['kind'],
    read: () => Promise<readonly TimelineEntry[]>,
  ): Promise<readonly TimelineEntry[]> => {
    try {
      return await read();
    } catch (err) {
      context.log.warn({ err, source }, "a part of a customer's timeline cannot be read");
      silent.push({ source, reason: err instanceof Error ? err.message : String(err) });
      return [];
    }
  };
  const all = await Promise.all([
    from('message', () => messages(context, telegramId, locale)),
    from('payment', () => payments(context, telegramId ?? username, locale)),
    from('job', () => jobs(context, names, locale)),
    from('act', () => acts(context, names)),
  ]);
  return { entries: all.flat().sort((a, b) => b.at.getTime() - a.at.getTime()), silent };
}

async function messages(
  { outbox }: HttpContext,
  telegramId: number | undefined,
  locale: Locale,
): Promise<TimelineEntry[]> {
  if (telegramId === undefined) return [];
  const { messages: rows } = await outbox.list({ telegramId: String(telegramId) }, { limit: OF_EACH });
  return rows.flatMap(({ beginning, createdAt, error, id, scheduledAt, sentAt, status, type }) => {
    const at = sentAt ?? createdAt ?? scheduledAt;
    if (!at) return [];
    const why = error ? html` <span class="muted">${error}</span>` : '';
    const what = html`${messageBadge(status, locale)} <code>${type ?? ''}</code>${why}<span class="muted about">${beginning}</span>`;
    return [{ at, kind: 'message', what, ...(status === 'failed' && { messageId: id }) }];
  });
}

async function payments({ desk }: HttpContext, who: number | string, locale: Locale): Promise<TimelineEntry[]> {
  const query = { find: String(who), all: true, open: false, limit: OF_EACH, locale };
  const { payments: lines } = await desk.list(query);
  return lines.map((line) => ({
    at: line.createdAt,
    kind: 'payment',
    what: html`${paymentBadge(line, locale)} <a href="/payments/${line.id}">${priceText(line.price, locale)}</a><span class="muted about">${line.why}</span>`,
    ...(line.status === 'pending' && { paymentId: line.id }),
  }));
}

async function jobs({ history }: HttpContext, names: readonly string[], locale: Locale): Promise<TimelineEntry[]> {
  // Without history the page says so once, by the sentence of its own part.
  if (await history.missing()) return [];
  const { runs } = await history.runs.search({ customers: names }, { limit: OF_EACH });
  return runs.map(({ endedAt, error, jobId, outcome, task }) => ({
    at: endedAt,
    kind: 'job',
    what: html`${stateBadge(OUTCOME_TONES[outcome], OUTCOME_TEXTS[outcome][locale])} <a href="/jobs/${encodeURIComponent(jobId)}"><code>${task}</code></a>${error ? html`<span class="muted about">${error.text}</span>` : ''}`,
  }));
}

async function acts({ auditTrail }: HttpContext, names: readonly string[]): Promise<TimelineEntry[]> {
  const { entries } = await auditTrail.search({ entities: names }, { limit: OF_EACH });
  return entries.map(({ action, at, by, newValue }) => ({
    at,
    kind: 'act',
    what: html`<code>${action}</code>${by ? html` ${personOf(by)}` : ''}${newValue === undefined ? '' : html`<span class="muted about wrap">${JSON.stringify(newValue)}</span>`}`,
  }));
}

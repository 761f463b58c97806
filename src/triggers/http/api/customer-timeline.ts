import type { Locale } from '../../../lib/locale.ts';
import type { AuditTrailEntry } from '../../../repositories/audit-trail.ts';
import type { KeptRun } from '../../../repositories/history/runs.ts';
import type { OutboxMessage } from '../../../repositories/outbox.ts';
import type { DeskLine } from '../../payment-desk.ts';
import type { ExplainedUser, HttpContext } from '../context.ts';

/** One thing that was done to or for a customer. */
export type TimelineEntry = { at: Date } & (
  | { kind: 'message'; message: OutboxMessage }
  | { kind: 'payment'; payment: DeskLine }
  | { kind: 'job'; run: KeptRun }
  | { kind: 'act'; act: AuditTrailEntry }
);

export const TIMELINE_KINDS = ['message', 'payment', 'job', 'act'] as const satisfies TimelineEntry['kind'][];

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
    from('message', () => messages(context, telegramId)),
    from('payment', () => payments(context, telegramId ?? username, locale)),
    from('job', () => jobs(context, names)),
    from('act', () => acts(context, names)),
  ]);
  return { entries: all.flat().sort((a, b) => b.at.getTime() - a.at.getTime()), silent };
}

async function messages({ outbox }: HttpContext, telegramId: number | undefined): Promise<TimelineEntry[]> {
  if (telegramId === undefined) return [];
  const { messages: rows } = await outbox.list({ telegramId: String(telegramId) }, { limit: OF_EACH });
  return rows.flatMap((message) => {
    const at = message.sentAt ?? message.createdAt ?? message.scheduledAt;
    return at ? [{ at, kind: 'message' as const, message }] : [];
  });
}

async function payments({ desk }: HttpContext, who: number | string, locale: Locale): Promise<TimelineEntry[]> {
  const query = { find: String(who), all: true, open: false, limit: OF_EACH, locale };
  const { payments: lines } = await desk.list(query);
  return lines.map((payment) => ({ at: payment.createdAt, kind: 'payment', payment }));
}

async function jobs({ history }: HttpContext, names: readonly string[]): Promise<TimelineEntry[]> {
  // Without history the page says so once, by the sentence of its own part.
  if (await history.missing()) return [];
  const { runs } = await history.runs.search({ customers: names }, { limit: OF_EACH });
  return runs.map((run) => ({ at: run.endedAt, kind: 'job', run }));
}

async function acts({ auditTrail }: HttpContext, names: readonly string[]): Promise<TimelineEntry[]> {
  const { entries } = await auditTrail.search({ entities: names }, { limit: OF_EACH });
  return entries.map((act) => ({ at: act.at, kind: 'act', act }));
}

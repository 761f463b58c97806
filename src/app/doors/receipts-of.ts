import { UNDOABLE } from '../../domain/bulk/undo-rules.ts';
import { csv } from '../../domain/exports/csv.ts';
import type { Cells, ExportColumn } from '../../domain/exports/table.ts';
import { FINAL_IN_WORDS, LEFT_IN_WORDS } from '../../messages/receipts.ts';
import type { KeptLine } from '../../repositories/history/receipts.ts';
import undoMassEffect from '../../tasks/bulk/undo-mass-effect.ts';
import type { ReceiptsContext } from '../../triggers/receipts.ts';
import type { App } from '../build-app.ts';

/** Lines in memory at once. */
const PAGE = 1_000;

const COLUMNS: readonly ExportColumn[] = [
  ...(['effect', 'subject', 'panel_id', 'detail', 'at', 'done'] as const),
  ...(['status_before', 'expire_at_before', 'used_traffic_bytes_before', 'traffic_limit_bytes_before'] as const),
  ...(['telegram_id', 'undo', 'undo_at', 'undo_reason'] as const),
].map((name) => ({ name, kind: 'text' }));

/** Receipts as doors see them. */
export function receiptsOf(
  { dispatcher, parts }: Pick<App, 'dispatcher' | 'parts'>,
  source: 'cli' | 'http',
): ReceiptsContext {
  const kept = parts.keptReceipts;
  return {
    counts: (id) => kept.counts(id),
    find: (id) => kept.find(id),
    lines: (id, limit, after) => kept.lines(id, limit, after),
    list: (filter, limit, after) => kept.list(filter, limit, after),
    undoable: UNDOABLE,
    words: { left: LEFT_IN_WORDS, final: FINAL_IN_WORDS },
    csv: (id) => csv({ columns: COLUMNS, groups: cells(kept.pages(id, PAGE)) }),
    async undo({ caller: initiatedBy, dryRun, id }) {
      const payload = { receipt_id: id, ...(dryRun && { dry_run: true }) };
      // A dry run and an undo of the same receipt are two jobs; two undos are one.
      const uniqueKey = `${dryRun ? 'undo-dry-run' : 'undo'}:${id}`;
      const asked = { source, initiatedBy, uniqueKey };
      const { already, jobId } = await dispatcher.dispatch(undoMassEffect, payload, asked);
      return { already, jobId };
    },
  };
}

async function* cells(pages: AsyncIterable<readonly KeptLine[]>): AsyncGenerator<readonly Cells[]> {
  for await (const lines of pages) yield lines.map(cellsOf);
}

const text = (value: string | number | undefined): string | null => (value === undefined ? null : String(value));

const cellsOf = ({ begunAt, detail, doneAt, effect, id, subject, undo, was }: KeptLine): Cells => [
  ...[effect, subject, text(id), text(detail), (doneAt ?? begunAt).toISOString(), doneAt ? 'yes' : 'unknown'],
  ...[text(was.status), text(was.expire_at), text(was.used_traffic_bytes), text(was.traffic_limit_bytes)],
  ...[text(was.telegram_id), text(undo?.state), text(undo?.at.toISOString())],
  undo?.why ? LEFT_IN_WORDS[undo.why].en : null,
];

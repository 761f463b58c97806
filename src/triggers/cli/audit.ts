import { z } from 'zod';
import { type AuditContext, AuditFilterFields, auditEntries, auditEntryBody } from '../audit-trail.ts';
import { RowCursor, rowCursor } from '../row-cursor.ts';
import { wholeNumber } from '../text-fields.ts';
import { type Command, optionsBy, table } from './command.ts';

const text = { type: 'string' } as const;

const Options = z.object({
  ...AuditFilterFields,
  after: RowCursor.optional(),
  limit: wholeNumber(1, 200).default(50),
});

export const auditCommands: readonly Command<AuditContext>[] = [
  {
    name: 'audit',
    usage: '[--action BEGINNING] [--by WHO] [--subject ID] [--from TIME] [--to TIME] [--limit N] [--after PLACE]',
    maxWords: 0,
    summary: 'See who did what to which thing, when and from where, the newest first',
    options: { action: text, by: text, subject: text, from: text, to: text, after: text, limit: text },
    async run(args, context, { print }) {
      const { after, limit, ...filter } = optionsBy(Options, args);
      const { entries, next } = await auditEntries(context, filter, { after, limit });
      const rows = entries.map(({ action, address, at, by, entityId, entityType }) => [
        ...[at.toISOString(), action, by ?? '', `${entityType ?? ''} ${entityId ?? ''}`.trim(), address ?? ''],
      ]);
      const lines = table([['AT', 'ACTION', 'BY', 'SUBJECT', 'FROM'], ...rows]);
      const place = rowCursor(next);
      if (place !== undefined) lines.push(`There are more: --after ${place}`);
      print(
        { entries: entries.map(auditEntryBody), ...(place !== undefined && { next: place }) },
        rows.length === 0 ? ['No entries.'] : lines,
      );
      return 0;
    },
  },
];

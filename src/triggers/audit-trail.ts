import type { AuditFilter, AuditTrail, AuditTrailEntry } from '../repositories/audit-trail.ts';
import type { RowPlace } from './row-cursor.ts';
import { instant, line } from './text-fields.ts';

export type AuditContext = { auditTrail: Pick<AuditTrail, 'search'> };

/** The filter of entries, as it stands in a query and in the options of a command. */
export const AuditFilterFields = {
  action: line(100).optional().describe('The beginning of the action, as `payment.`'),
  by: line(100).optional().describe('The person or program, as `by` of an entry names it'),
  subject: line(255).optional().describe('`entity_id`'),
  from: instant.optional().describe('At this time or later'),
  to: instant.optional().describe('Before this time'),
} as const;

/** One page of the entries that this filter finds. */
export const auditEntries = (
  { auditTrail }: AuditContext,
  { subject, ...filter }: Omit<AuditFilter, 'entities'> & { subject?: string | undefined },
  page: { after?: RowPlace | undefined; limit: number },
): Promise<{ entries: readonly AuditTrailEntry[]; next: RowPlace | undefined }> =>
  auditTrail.search({ ...filter, entities: subject === undefined ? undefined : [subject] }, page);

/** An entry, as programs read it. */
export function auditEntryBody(entry: AuditTrailEntry) {
  const { action, address, agent, at, by, entityId, entityType, id, newValue, oldValue, role } = entry;
  return {
    ...{ id, action, at: at.toISOString() },
    ...(entityType !== undefined && { entity_type: entityType }),
    ...(entityId !== undefined && { entity_id: entityId }),
    ...(by !== undefined && { by }),
    ...(role !== undefined && { role }),
    ...(address !== undefined && { address }),
    ...(agent !== undefined && { agent }),
    ...(oldValue !== undefined && { old_value: oldValue }),
    ...(newValue !== undefined && { new_value: newValue }),
  };
}

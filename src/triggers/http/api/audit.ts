import { z } from 'zod';
import { AuditFilterFields, auditEntries, auditEntryBody } from '../../audit-trail.ts';
import { RowCursor, rowCursor } from '../../row-cursor.ts';
import { wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

const LISTED = 200;

const AuditEntryBody = z.object({
  id: z.string(),
  at: time,
  action: z.string().meta({ 'x-example': 'task.dispatched' }),
  entity_type: z.string().optional(),
  entity_id: z.string().optional(),
  by: z.string().optional().describe('Absent for what the worker did on its own and for entries of the platform'),
  role: z.string().optional(),
  address: z.string().optional(),
  agent: z.string().optional().describe('The `User-Agent` of the request'),
  old_value: z.unknown().optional(),
  new_value: z.unknown().optional(),
});
namesOfSchemas.add(AuditEntryBody, { id: 'AuditEntry' });

export function auditRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'listAuditEntries',
      method: 'GET',
      path: '/api/v1/audit',
      tag: 'Audit',
      needs: 'owner',
      summary: 'The audit trail: who did what to which thing and from where',
      query: z.object({
        ...AuditFilterFields,
        after: RowCursor.optional().describe('`next` of the page before'),
        limit: wholeNumber(1, LISTED).default(50).describe('How many at most'),
      }),
      answers: {
        200: {
          description: 'The newest first',
          schema: z.object({
            entries: z.array(AuditEntryBody),
            next: z.string().optional().describe('`after` of the next page; absent on the last'),
          }),
        },
      },
      async handle({ query: { after, limit, subject, ...filter } }) {
        const { entries, next } = await auditEntries(context, { ...filter, subject }, { after, limit });
        const place = rowCursor(next);
        return {
          status: 200,
          body: { entries: entries.map(auditEntryBody), ...(place !== undefined && { next: place }) },
        };
      },
    }),
  ];
}

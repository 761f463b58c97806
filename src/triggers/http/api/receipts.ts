import { Readable } from 'node:stream';
import { z } from 'zod';
import { StoodBefore } from '../../../repositories/history/receipts.ts';
import type { Act } from '../../act.ts';
import { lineBody, openActs, receiptBody } from '../../receipts.ts';
import { line, wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute, SENT } from './route.ts';
import { namesOfSchemas, time } from './schemas.ts';

const ReceiptBody = z.object({
  id: z.string(),
  task: z.string(),
  job_id: z.string(),
  initiated_by: z.string(),
  began_at: time,
  ended_at: time.optional().describe('Absent while its job is not over'),
  lost: z.int().describe('Acts that could not be noted'),
});
namesOfSchemas.add(ReceiptBody, { id: 'Receipt' });

const CountsBody = z.object({
  effect: z.string(),
  acts: z.int(),
  unsure: z.int().describe('Acts of which it is not known whether they were done'),
  undone: z.int(),
  left: z.int().describe('Acts that an undo left alone'),
});

const LineBody = z.object({
  act: z.string(),
  effect: z.string(),
  subject: z.string(),
  panel_id: z.string().optional(),
  detail: z.string().optional(),
  was: StoodBefore.describe('What stood before'),
  at: time,
  is_done: z.boolean(),
  undo: z
    .object({
      state: z.enum(['begun', 'undone', 'left']),
      at: time,
      job_id: z.string(),
      reason: z.string().optional().describe('Why it was left alone'),
    })
    .optional(),
});
namesOfSchemas.add(LineBody, { id: 'ReceiptLine' });

const params = z.object({ id: z.guid().describe('The receipt') });

/** Receipts of mass acts, and undoing them. Where our schema is not installed, each says what to run. */
export function receiptRoutes(context: HttpContext): readonly ApiRoute[] {
  const about = { tag: 'Receipts' } as const;
  return [
    apiRoute({
      ...about,
      id: 'listReceipts',
      method: 'GET',
      path: '/api/v1/receipts',
      needs: 'admin',
      summary: 'What mass acts did, the newest first',
      query: z.object({
        task: line(100).optional().describe('Of this task alone'),
        job_id: line(200).optional().describe('Of this job alone'),
        limit: wholeNumber(1, 500).default(50).describe('How many at most'),
        after: z.guid().optional().describe('The last receipt of the page before'),
      }),
      answers: { 200: { description: 'Receipts', schema: z.object({ receipts: z.array(ReceiptBody) }) } },
      problems: ['conflict'],
      async handle({ query: { after, job_id: jobId, limit, task } }) {
        await keptHistory(context);
        const receipts = await context.receipts.list({ jobId, task }, limit, after);
        return { status: 200, body: { receipts: receipts.map(receiptBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'getReceipt',
      method: 'GET',
      path: '/api/v1/receipts/{id}',
      needs: 'admin',
      summary: 'One receipt: how many acts of each kind, and a page of them',
      params,
      query: z.object({
        limit: wholeNumber(1, 1_000).default(100).describe('How many acts at most'),
        after: z.guid().optional().describe('The `act` of the last line of the page before'),
      }),
      answers: {
        200: {
          description: 'The receipt',
          schema: z.object({ receipt: ReceiptBody, counts: z.array(CountsBody), lines: z.array(LineBody) }),
        },
      },
      problems: ['conflict', 'not-found'],
      async handle({ params: { id }, query: { after, limit } }) {
        const receipt = await receiptOr404(context, id);
        const [counts, lines] = await Promise.all([
          context.receipts.counts(id),
          context.receipts.lines(id, limit, after),
        ]);
        return { status: 200, body: { receipt: receiptBody(receipt), counts, lines: lines.map(lineBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'downloadReceipt',
      method: 'GET',
      path: '/api/v1/receipts/{id}/lines.csv',
      needs: 'admin',
      summary: 'All acts of a receipt as CSV',
      params,
      answers: { 200: { description: 'The file', mediaType: 'text/csv', headers: ['Content-Disposition'] } },
      problems: ['conflict', 'not-found'],
      async handle({ params: { id } }, { audit, reply, request }) {
        await receiptOr404(context, id);
        // Records who took personal data before the first byte of it leaves.
        const details = { method: request.method };
        if (!(await audit({ action: 'receipt.downloaded', entityType: 'receipt', entityId: id, details })))
          throw new Problem(
            'unavailable',
            'Reads of receipts are recorded, and audit_logs takes no entry now; try again.',
          );
        reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', `attachment; filename="receipt-${id}.csv"`)
          .send(request.method === 'HEAD' ? '' : Readable.from(context.receipts.csv(id)));
        return SENT;
      },
    }),
    apiRoute({
      ...about,
      id: 'undoReceipt',
      method: 'POST',
      path: '/api/v1/receipts/{id}/undo',
      needs: 'admin',
      summary: 'Undo what still stands as the run left it',
      description:
        'A job does it: who was disabled is enabled, who was enabled is disabled. What somebody or a payment has changed since is left alone, with the reason on the receipt. Where nothing can be undone: 409. Asked for again while the job waits or runs, it is the same job.',
      params,
      body: z.strictObject({
        preview: z.boolean().default(false).describe('Lists what would be undone; nothing is changed'),
      }),
      answers: {
        202: {
          description: 'The job that does it',
          schema: z.object({ job_id: z.string(), already: z.boolean() }),
        },
      },
      problems: ['conflict', 'not-found'],
      async handle({ params: { id }, body: { preview: dryRun } }, { audit, caller }) {
        const { act, already, jobId } = await undoReceipt(context, { id, dryRun, caller });
        await audit(act);
        return { status: 202, body: { job_id: jobId, already } };
      },
    }),
  ];
}

async function receiptOr404(context: HttpContext, id: string) {
  await keptHistory(context);
  const receipt = await context.receipts.find(id);
  if (!receipt) throw new Problem('not-found', `There is no receipt ${id}; they are kept for HISTORY_DAYS.`);
  return receipt;
}

/** Begins an undo, or its dry run. Throws a `Problem` where there is nothing that can be undone. */
export async function undoReceipt(
  context: HttpContext,
  asked: { id: string; dryRun: boolean; caller: string },
): Promise<{ act: Act; already: boolean; jobId: string }> {
  const { task } = await receiptOr404(context, asked.id);
  const { receipts } = context;
  if (openActs(await receipts.counts(asked.id), receipts.undoable) === 0)
    throw new Problem('conflict', 'Nothing on this receipt can be undone, or all of it is undone.');
  const { already, jobId } = await receipts.undo(asked);
  const details = { job_id: jobId, task, ...(asked.dryRun && { dry_run: true }) };
  return { act: { action: 'receipt.undo', entityType: 'receipt', entityId: asked.id, details }, already, jobId };
}

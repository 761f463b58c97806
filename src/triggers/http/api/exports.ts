import { Readable } from 'node:stream';
import { z } from 'zod';
import { line } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { rangeIn } from './range.ts';
import { type ApiRoute, apiRoute, SENT } from './route.ts';

const OF_FILE = ['Accept-Ranges', 'Content-Disposition'] as const;

/** A safe name for a browser's download: it can end neither the header nor the folder. */
const fileNameOf = (name: string): string => name.replaceAll(/[^\w.-]/g, '_');

export function exportRoutes({ exports }: HttpContext): readonly ApiRoute[] {
  if (!exports) return [];
  return [
    apiRoute({
      id: 'downloadExport',
      method: 'GET',
      path: '/api/v1/exports/{id}',
      tag: 'Exports',
      needs: 'admin',
      summary: 'A finished export',
      description: 'With a token, or through the signed link that the admin was sent. One byte range can be asked for.',
      params: z.object({
        id: z
          .string()
          .regex(/^[A-Za-z0-9][\w-]{0,63}$/, { error: 'must be an export id' })
          .describe('Id of the export'),
      }),
      query: z.object({
        expires: line(20).optional().describe('Of a signed link: the second at which it ends'),
        signature: line(100).optional().describe('Of a signed link, which needs no token'),
      }),
      headers: z.object({ range: z.string().max(100).optional().describe('One range: `bytes=0-1023`') }),
      answers: {
        200: { description: 'The file', mediaType: 'application/octet-stream', headers: OF_FILE },
        206: {
          description: 'The part that was asked for',
          mediaType: 'application/octet-stream',
          headers: [...OF_FILE, 'Content-Range'],
        },
      },
      problems: ['not-found', 'bad-range'],
      isOpenTo(request) {
        const { id } = request.params as { id: string };
        const query = request.query as Record<string, unknown>;
        if (!('signature' in query)) return false;
        if (exports.isSigned(id, query)) return true;
        throw new Problem('forbidden', 'This link is not right, or its time is over.');
      },
      async handle({ params: { id }, headers }, { audit, reply, request }) {
        const file = await exports.open(id);
        if (!file) throw new Problem('not-found', `There is no export ${id}; exports are kept for a limited time.`);
        const range = rangeIn(headers.range, file.bytes);
        if (range === 'none')
          throw new Problem('bad-range', `The file has ${file.bytes} bytes.`, {
            headers: { 'content-range': `bytes */${file.bytes}` },
          });
        const { from, to } = range ?? { from: 0, to: file.bytes - 1 };
        // Records who took personal data, and which part, before the first byte of it leaves.
        const part = range ? { from, to } : {};
        const details = { file: file.fileName, method: request.method, ...part };
        if (!(await audit({ action: 'export.downloaded', entityType: 'export', entityId: id, details })))
          throw new Problem(
            'unavailable',
            'Reads of exports are recorded, and audit_logs takes no entry now; try again shortly.',
          );
        // An empty stream leaves the length as it is said below.
        const isHead = request.method === 'HEAD';
        const content = isHead ? Readable.from([]) : file.bytes === 0 ? '' : await file.read(from, to);
        if (range) reply.header('content-range', `bytes ${from}-${to}/${file.bytes}`);
        reply
          .code(range ? 206 : 200)
          .type(file.mediaType)
          .header('accept-ranges', 'bytes')
          .header('content-length', to - from + 1)
          .header('content-disposition', `attachment; filename="${fileNameOf(file.fileName)}"`)
          .send(content);
        return SENT;
      },
    }),
  ];
}

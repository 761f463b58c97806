import type { FastifyReply, FastifyRequest } from 'fastify';
import { compressed, encodingFor } from './compressed.ts';

/** Sends a page, or pieces of one, as small as the browser takes it. */
export async function sendPage(text: string, reply: FastifyReply, request: FastifyRequest): Promise<FastifyReply> {
  const body = Buffer.from(text);
  const encoding = encodingFor(request.headers['accept-encoding'], body.length);
  if (encoding) reply.header('content-encoding', encoding);
  return reply
    .type('text/html; charset=utf-8')
    .header('vary', 'accept-encoding')
    .send(await compressed(body, encoding, 'page'));
}

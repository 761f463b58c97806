import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieIn, strictCookie } from '../auth/cookies.ts';
import type { HttpContext } from '../context.ts';

const NAME = 'worker_receipt';
/** The next page shows it. */
const LIFE_SECONDS = 30;
/** A cookie has room for 4,096 bytes. */
const SHOWN = 600;

/** Keeps the receipt of a deed for the page that the reader is led to. */
export function keepReceipt(text: string, reply: FastifyReply, { secureCookies }: HttpContext): void {
  const value = Buffer.from(text.slice(0, SHOWN)).toString('base64url');
  reply.header('set-cookie', strictCookie(NAME, value, { maxAgeSeconds: LIFE_SECONDS, secure: secureCookies }));
}

/** The kept receipt, which is shown once. */
export function takeReceipt(request: FastifyRequest, reply: FastifyReply, context: HttpContext): string | undefined {
  const kept = cookieIn(request.headers.cookie, NAME);
  if (!kept) return undefined;
  reply.header('set-cookie', strictCookie(NAME, '', { maxAgeSeconds: 0, secure: context.secureCookies }));
  return Buffer.from(kept, 'base64url').toString();
}

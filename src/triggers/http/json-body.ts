import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { utf8In } from '../../lib/utf8-in.ts';
import { Problem } from './problem.ts';

/**
 * Looks at bodies of JSON before they are parsed: one that is not UTF-8, is nested too deeply or has too many fields is refused with 400, one
 * that is compressed or says to be in another encoding with 415.
 */
export function readJsonModestly(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const wrongForm = formProblem(request);
    if (wrongForm !== undefined) return done(new Problem('unsupported-media-type', wrongForm));
    const text = utf8In(body as Buffer);
    if (text === undefined) return done(new Problem('bad-request', 'The body is not UTF-8.'));
    const problem = jsonTextProblem(text);
    if (problem !== undefined) return done(new Problem('bad-request', `The body ${problem}.`));
    return void parse(request, text, done);
  });
}

function formProblem({ headers }: FastifyRequest): string | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') return 'Send the body as it is, without Content-Encoding.';
  const [, charset = 'utf-8'] = /;\s*charset="?([^\s";]+)/i.exec(headers['content-type'] ?? '') ?? [];
  return /^utf-?8$/i.test(charset) ? undefined : 'Send application/json in UTF-8.';
}

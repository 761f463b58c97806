import type { FastifyInstance } from 'fastify';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { Problem } from './problem.ts';

/** Looks at bodies of JSON before they are parsed: one that is nested too deeply or has too many fields is refused with 400. */
export function readJsonModestly(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const problem = jsonTextProblem(body as string);
    if (problem !== undefined) done(new Problem('bad-request', `The body ${problem}.`));
    else void parse(request, body as string, done);
  });
}

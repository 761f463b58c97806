import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { utf8In } from '../../lib/utf8-in.ts';
import { Problem } from './problem.ts';

/** Reading more than this is worth a turn of the event loop of its own. */
const BIG_BYTES = 65_536;

/**
 * Looks at bodies of JSON before they are parsed: one that is not UTF-8, is nested too deeply or has too many fields is refused with 400, one
 * that is compressed or says to be in another encoding with 415. Big ones are read one after another, and between two of them everything
 * else has its turn: many that arrive together do not hold up the port.
 */
export function readJsonModestly(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  let turn: Promise<unknown> = Promise.resolve();
  const read = (request: FastifyRequest, body: Buffer, done: ParsingDone): void => {
    const refusal = refusalOf(request, body);
    const text = refusal ?? utf8In(body);
    if (typeof text === 'string') void parse(request, text, done);
    else done(text ?? new Problem('bad-request', 'The body is not UTF-8.'));
  };
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length <= BIG_BYTES) read(request, body, done);
    else turn = turn.then(() => read(request, body, later(done))).then(() => nextTurn());
  });
}

/** The work on a big body has a turn of its own as well. */
const later =
  (done: ParsingDone): ParsingDone =>
  (...read) =>
    void nextTurn().then(() => done(...read));

type ParsingDone = (error: Error | null, body?: unknown) => void;

function refusalOf(request: FastifyRequest, body: Buffer): Problem | undefined {
  const wrongForm = formProblem(request);
  if (wrongForm !== undefined) return new Problem('unsupported-media-type', wrongForm);
  const problem = jsonTextProblem(body);
  return problem === undefined ? undefined : new Problem('bad-request', `The body ${problem}.`);
}

function formProblem({ headers }: FastifyRequest): string | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') return 'Send the body as it is, without Content-Encoding.';
  const [, charset = 'utf-8'] = /;\s*charset="?([^\s";]+)/i.exec(headers['content-type'] ?? '') ?? [];
  return /^utf-?8$/i.test(charset) ? undefined : 'Send application/json in UTF-8.';
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { jsonTextProblem } from '../../lib/json-limits.ts';
import { utf8In } from '../../lib/utf8-in.ts';
import { Problem } from './problem.ts';

/** Reading more than this is worth a turn of the event loop of its own. */
const BIG_BYTES = 65_536;

/**
 * Looks at bodies of JSON before they are parsed: one that is not UTF-8, is nested too deeply or has too many fields is refused with 400, one
 * that is compressed or says to be in another encoding with 415. Big ones are read one after another, and between two steps of that work
 * everything else has its turn: many that arrive together do not hold up the port.
 */
export function readJsonModestly(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  let turn: Promise<unknown> = Promise.resolve();
  const read = (request: FastifyRequest, body: Buffer, done: ParsingDone): void => {
    const text = utf8In(body);
    if (text === undefined) done(new Problem('bad-request', 'The body is not UTF-8.'));
    else void parse(request, text, done);
  };
  const readInSteps = async (request: FastifyRequest, body: Buffer, done: ParsingDone): Promise<void> => {
    const refusal = refusalOf(request, body);
    await othersTurn();
    const { promise, resolve } = Promise.withResolvers<Parameters<ParsingDone>>();
    if (refusal) resolve([refusal]);
    else read(request, body, (...result) => resolve(result));
    const result = await promise;
    await othersTurn();
    // All that the route does with the body, up to its first question to another server.
    done(...result);
    await othersTurn();
  };
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (body.length > BIG_BYTES) {
      turn = turn.then(() => readInSteps(request, body, done));
      return;
    }
    const refusal = refusalOf(request, body);
    if (refusal) done(refusal);
    else read(request, body, done);
  });
}

/** Passes two turns of the event loop: a new connection is taken in one, and its request is read and answered in the next. */
async function othersTurn(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

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

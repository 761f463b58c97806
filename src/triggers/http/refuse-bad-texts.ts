import type { FastifyInstance, FastifyRequest } from 'fastify';
import { badTextIn } from '../../lib/bad-text.ts';
import { Problem, pointerTo } from './problem.ts';

/** Refuses, at every route of a scope, texts that cannot be stored or sent on: 400 that names the field. */
export function refuseBadTexts(scope: FastifyInstance): void {
  scope.addHook('preHandler', async (request) => {
    for (const [place, value] of partsOf(request)) {
      const bad = badTextIn(value);
      if (!bad) continue;
      const pointer = place === 'body' ? pointerTo(bad.path) : [place, ...bad.path].join(' ');
      const errors = [{ pointer, detail: bad.message }];
      throw new Problem('bad-request', `${pointer || 'body'}: ${bad.message}`, { errors });
    }
  });
}

const partsOf = ({ body, params, query }: FastifyRequest): readonly (readonly [string, unknown])[] => [
  ['path', params],
  ['query', query],
  ['body', Buffer.isBuffer(body) ? undefined : body],
];

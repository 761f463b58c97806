import { z } from 'zod';
import { pathOf, siftFields } from '../../../lib/unknown-fields.ts';
import type { AnyTask } from '../../../runtime/define-task.ts';
import type { Act } from '../../act.ts';
import { wholeNumber } from '../../text-fields.ts';
import { HIDDEN, withoutSecrets } from '../auth/secrets.ts';
import type { DeadLetter, HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { DeadLetterBody, JobId } from './schemas.ts';

const LISTED = 200;

const Details = DeadLetterBody.extend({
  payload: z.unknown().describe('As it was sent; codes, tokens and signatures are hidden'),
});

type Body = z.output<typeof DeadLetterBody>;

export function deadLetterRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'listDeadLetters',
      method: 'GET',
      path: '/api/v1/dead-letters',
      tag: 'Dead letters',
      needs: 'view',
      summary: 'What failed for good: jobs out of retries, and messages that could not be understood',
      query: z.object({
        limit: wholeNumber(1, LISTED).default(50).describe('How many at most'),
      }),
      answers: {
        200: { description: 'The newest first', schema: z.object({ dead_letters: z.array(DeadLetterBody) }) },
      },
      handle: async ({ query }) => ({ status: 200, body: { dead_letters: await deadLetters(context, query.limit) } }),
    }),
    apiRoute({
      id: 'getDeadLetter',
      method: 'GET',
      path: '/api/v1/dead-letters/{id}',
      tag: 'Dead letters',
      needs: 'admin',
      summary: 'One dead letter with what was sent',
      params: JobId,
      answers: { 200: { description: 'The dead letter', schema: Details } },
      problems: ['not-found'],
      async handle({ params: { id } }) {
        const found = await deadLetter(context, id);
        if (!found) throw noSuch(id);
        return { status: 200, body: found };
      },
    }),
    apiRoute({
      id: 'replayDeadLetter',
      method: 'POST',
      path: '/api/v1/dead-letters/{id}/replay',
      tag: 'Dead letters',
      needs: 'admin',
      summary: 'Run it again, with all its attempts',
      params: JobId,
      answers: {
        202: { description: 'It runs again', schema: z.object({ id: z.string(), status: z.literal('replayed') }) },
      },
      problems: ['not-found'],
      async handle({ params: { id } }, { audit }) {
        const act = await replayDeadLetter(context, id);
        if (!act) throw noSuch(id);
        await audit(act);
        return { status: 202, body: { id, status: 'replayed' } };
      },
    }),
  ];
}

/** Runs a dead letter again, and returns the act for the audit trail. Undefined where there is none of this id. */
export async function replayDeadLetter(context: HttpContext, id: string): Promise<Act | undefined> {
  const isJob = await context.jobs.find(id);
  const replayed = isJob ? await context.deadJobs.replay(id) : await context.deadMessages.replay(id);
  if (!replayed) return undefined;
  return { action: 'dead_letter.replayed', entityType: 'dead_letter', entityId: id };
}

/** Jobs and messages together, the newest first. */
export async function deadLetters(context: HttpContext, limit: number): Promise<Body[]> {
  const [jobs, messages] = await Promise.all([context.deadJobs.list(limit), context.deadMessages.list(limit)]);
  return [...jobs, ...messages]
    .sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime())
    .slice(0, limit)
    .map(body);
}

/** The dead letter with the payload or message that was sent; undefined where this id is unknown. */
export async function deadLetter(context: HttpContext, id: string): Promise<z.output<typeof Details> | undefined> {
  const job = await context.jobs.find(id);
  if (job?.state === 'failed') {
    const { attempts, error, finishedAt, initiatedBy, queue, task } = job;
    const failedAt = finishedAt ?? job.createdAt;
    const letter = {
      id,
      kind: 'job',
      task,
      queue,
      attempts,
      failedAt,
      initiatedBy,
      reason: error ?? 'unknown',
    } as const;
    return { ...body(letter), payload: withoutSecrets(await context.jobs.payload(id)) };
  }
  const message = await context.deadMessages.find(id);
  return message && { ...body(message), payload: readable(message.message, context.registry.find(message.task)?.task) };
}

function body(letter: DeadLetter): Body {
  const { failedAt, id, kind, reason, task } = letter;
  const common = { id, kind, task, failed_at: failedAt.toISOString(), reason };
  if (letter.kind === 'message') return common;
  const { attempts, initiatedBy, queue } = letter;
  return { ...common, attempts, initiated_by: initiatedBy, queue };
}

/**
 * The part of a message that may be shown. Positional arguments have no names that tell a code from a text, text that is not JSON may hold
 * anything, and so may a field that the task does not have: none of them is shown.
 */
function readable(message: string, task: AnyTask | undefined): unknown {
  const bytes = Buffer.byteLength(message);
  try {
    const { args, kwargs, ...named } = Message.parse(JSON.parse(message));
    const hidden = args && args.length > 0 ? { args: `${args.length} positional argument(s), not shown` } : {};
    return withoutSecrets({ ...named, ...hidden, ...(kwargs && { kwargs: task ? knownOf(task, kwargs) : kwargs }) });
  } catch {
    return `${bytes} bytes that are no JSON object, not shown`;
  }
}

const Message = z.looseObject({
  args: z.array(z.unknown()).optional(),
  kwargs: z.record(z.string(), z.unknown()).optional(),
});

/** Aliases of fields are the task's too. */
function knownOf({ fieldAliases = {}, payload }: AnyTask, kwargs: Readonly<Record<string, unknown>>): unknown {
  const theirs = Object.entries(kwargs).filter(([name]) => Object.hasOwn(fieldAliases, name));
  const { unknown, value } = siftFields(payload, kwargs);
  const others = unknown.map(pathOf).filter((path) => !Object.hasOwn(fieldAliases, path));
  return {
    ...(value as object),
    ...Object.fromEntries(theirs),
    ...Object.fromEntries(others.map((path) => [path, HIDDEN])),
  };
}

const noSuch = (id: string): Problem =>
  new Problem('not-found', `There is no dead letter ${id}; it may have been replayed already.`);

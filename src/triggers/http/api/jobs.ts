import { z } from 'zod';
import type { JobView } from '../../../runtime/jobs.ts';
import type { Act } from '../../act.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { jobBody } from './job-body.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { JobBody, JobId, ProgressBody } from './schemas.ts';

const CancelBody = z.object({
  job_id: z.string(),
  status: z
    .enum(['removed', 'cancelling'])
    .describe('`removed`: it waited and is gone. `cancelling`: its run was told and ends as soon as it listens'),
});

/** Throws 404 where the job does not exist (any more). */
export async function jobOf(context: HttpContext, id: string): Promise<JobView> {
  const job = await context.jobs.find(id);
  if (!job) throw new Problem('not-found', `There is no job ${id}; results are kept for a limited time.`);
  return job;
}

export function jobRoutes(context: HttpContext): readonly ApiRoute[] {
  return [
    apiRoute({
      id: 'listLongJobs',
      method: 'GET',
      path: '/api/v1/jobs',
      tag: 'Jobs',
      needs: 'view',
      summary: 'Bulk work and broadcasts that go on or ended lately, with their progress',
      answers: {
        200: {
          description: 'The newest first',
          schema: z.object({ jobs: z.array(JobBody.extend({ progress: ProgressBody.nullable() })) }),
        },
      },
      async handle() {
        const jobs = await context.jobs.watched();
        const progress = await Promise.all(jobs.map(({ progressId }) => context.progress.find(progressId)));
        return {
          status: 200,
          body: { jobs: jobs.map((job, i) => ({ ...jobBody(job), progress: progress[i] ?? null })) },
        };
      },
    }),
    apiRoute({
      id: 'getJob',
      method: 'GET',
      path: '/api/v1/jobs/{id}',
      tag: 'Jobs',
      needs: 'view',
      summary: 'State, attempts, result or error of a job',
      params: JobId,
      answers: { 200: { description: 'The job', schema: JobBody } },
      problems: ['not-found'],
      handle: async ({ params }) => ({ status: 200, body: jobBody(await jobOf(context, params.id)) }),
    }),
    apiRoute({
      id: 'cancelJob',
      method: 'DELETE',
      path: '/api/v1/jobs/{id}',
      tag: 'Jobs',
      needs: 'admin',
      summary: 'Cancel a job',
      params: JobId,
      answers: {
        200: { description: 'It waited and is gone', schema: CancelBody },
        202: { description: 'It runs; its run was told', schema: CancelBody },
      },
      problems: ['not-found', 'conflict'],
      async handle({ params: { id } }, { audit, caller }) {
        const done = await cancelJob(context, await jobOf(context, id), caller);
        if (!done) throw new Problem('conflict', `Job ${id} has ended already.`);
        const { act, cancelled } = done;
        await audit(act);
        return cancelled === 'removed'
          ? { status: 200, body: { job_id: id, status: 'removed' } }
          : { status: 202, body: { job_id: id, status: 'cancelling' } };
      },
    }),
    apiRoute({
      id: 'getJobProgress',
      method: 'GET',
      path: '/api/v1/jobs/{id}/progress',
      tag: 'Jobs',
      needs: 'view',
      summary: 'How far a long job has come',
      params: JobId,
      answers: { 200: { description: 'The latest record; kept for a day', schema: ProgressBody } },
      problems: ['not-found'],
      async handle({ params: { id } }) {
        const progress = (await context.progress.find(id)) ?? (await progressByJob(context, id));
        if (!progress) throw new Problem('not-found', `Nothing is recorded of the progress of ${id}.`);
        return { status: 200, body: progress };
      },
    }),
  ];
}

/**
 * Cancels a job, and returns the act for the audit trail. Undefined where it has ended, or is not there any more. The job of a planned
 * broadcast only looks how far that is, and would come again: there the broadcast itself is cancelled, and the job ends with it.
 */
export async function cancelJob(
  context: HttpContext,
  { id, state, task }: Pick<JobView, 'id' | 'state' | 'task'>,
  by: string,
): Promise<{ act: Act; cancelled: 'removed' | 'told' } | undefined> {
  const isOver = state === 'completed' || state === 'failed';
  if (
    task === context.buttons.sends.name &&
    !isOver &&
    (await context.broadcasts.say(id, 'cancel', by)) === 'cancelled'
  )
    return { act: { action: 'broadcast.cancel', entityType: 'broadcast', entityId: id }, cancelled: 'told' };
  const cancelled = await context.jobs.cancel(id);
  if (cancelled === undefined || cancelled === 'ended') return undefined;
  return { act: { action: 'job.cancelled', entityType: 'job', entityId: id, details: { task } }, cancelled };
}

/** A producer may have chosen the name of the record itself. */
async function progressByJob(context: HttpContext, id: string): Promise<Record<string, unknown> | undefined> {
  const job = await context.jobs.find(id);
  return job && (await context.progress.find(job.progressId));
}

import { z } from 'zod';
import { days, hours } from '../../../lib/duration.ts';
import { JOB_ACTS, MOST_JOBS_AT_ONCE } from '../../../lib/job-act.ts';
import {
  ErrorGroupsBody,
  errorGroupsBody,
  RunDetailsBody,
  RunFilterBody,
  RunFilterFields,
  RunListBody,
  RunPlace,
  RunSumsBody,
  runDetailsBody,
  runFilter,
  runListBody,
  runSumsBody,
} from '../../run-bodies.ts';
import { wholeNumber } from '../../text-fields.ts';
import type { HttpContext } from '../context.ts';
import { Problem } from '../problem.ts';
import { keptHistory } from './kept-history.ts';
import { type ApiRoute, apiRoute } from './route.ts';
import { JobId, namesOfSchemas } from './schemas.ts';

const LISTED = 200;
const GROUPS = 50;
/** Groups and sums without a beginning are of this time. */
const GROUPED_MS = days(1);
const SUMMED_MS = hours(24);

const FoundBody = z.object({
  jobs: z.int().describe(`How many jobs the filter finds, ${MOST_JOBS_AT_ONCE} at most`),
  more: z.boolean(),
});
const BegunBody = z.object({
  job_id: z.string().describe('Of the act itself: its progress is at /api/v1/jobs/{id}/progress'),
  jobs: z.int(),
});

for (const [id, schema] of Object.entries({ Run: RunListBody.shape.runs.element, RunDetails: RunDetailsBody }))
  namesOfSchemas.add(schema, { id });

const NO_HISTORY = ['conflict'] as const;

/** History: every attempt that ended, and acts on all jobs that a filter finds. Where history is not kept, each says what to run. */
export function runRoutes(context: HttpContext): readonly ApiRoute[] {
  const { clock } = context;
  const about = { tag: 'History', needs: 'support', problems: NO_HISTORY } as const;
  return [
    apiRoute({
      ...about,
      id: 'listRuns',
      method: 'GET',
      path: '/api/v1/runs',
      summary: 'Search the runs: every attempt that ended, the newest first',
      query: z.object({
        ...RunFilterFields,
        after: RunPlace.optional().describe('`next` of the page before'),
        limit: wholeNumber(1, LISTED).default(50).describe('How many at most'),
      }),
      answers: { 200: { description: 'A page of runs', schema: RunListBody } },
      async handle({ query: { after, limit, ...filter } }) {
        const { runs } = await keptHistory(context);
        return { status: 200, body: runListBody(await runs.search(runFilter(filter), { after, limit })) };
      },
    }),
    apiRoute({
      ...about,
      id: 'groupRuns',
      method: 'GET',
      path: '/api/v1/runs/groups',
      summary: 'Failures by kind: the same error with other numbers, ids and names is one group',
      query: z.object({
        ...RunFilterFields,
        limit: wholeNumber(1, GROUPS).default(20).describe('How many groups at most'),
      }),
      answers: {
        200: { description: 'The most frequent first; of the last day without `from`', schema: ErrorGroupsBody },
      },
      async handle({ query: { limit, ...given } }) {
        const { runs } = await keptHistory(context);
        const filter = runFilter(given);
        const from = filter.from ?? new Date((filter.to ?? clock()).getTime() - GROUPED_MS);
        return { status: 200, body: errorGroupsBody(await runs.groups({ ...filter, from }, limit)) };
      },
    }),
    apiRoute({
      ...about,
      id: 'sumRuns',
      method: 'GET',
      path: '/api/v1/runs/sums',
      summary: 'How the runs of each hour ended, by task, and how long tasks take',
      query: z.object({ task: RunFilterFields.task, from: RunFilterFields.from, to: RunFilterFields.to }),
      answers: { 200: { description: 'Of the last day without `from`', schema: RunSumsBody } },
      async handle({ query: { from, task, to = clock() } }) {
        const { runs } = await keptHistory(context);
        const since = from ?? new Date(to.getTime() - SUMMED_MS);
        const sums = await runs.hours({ from: since, to, tasks: task });
        return { status: 200, body: runSumsBody(sums, await runs.durations(task ?? tasksOf(sums), since)) };
      },
    }),
    apiRoute({
      ...about,
      id: 'listRunsOfJob',
      method: 'GET',
      path: '/api/v1/jobs/{id}/runs',
      needs: 'admin',
      summary: 'The attempts of one job with its payload without secrets, the newest first',
      params: JobId,
      answers: {
        200: { description: 'Empty where none has ended', schema: z.object({ runs: z.array(RunDetailsBody) }) },
      },
      async handle({ params: { id } }) {
        const { runs } = await keptHistory(context);
        return { status: 200, body: { runs: (await runs.ofJob(id)).map(runDetailsBody) } };
      },
    }),
    apiRoute({
      ...about,
      id: 'countFoundJobs',
      method: 'GET',
      path: '/api/v1/runs/jobs',
      summary: 'How many jobs a filter finds: to be asked before an act on them',
      query: z.object(RunFilterFields),
      answers: { 200: { description: 'The count', schema: FoundBody } },
      async handle({ query }) {
        const jobs = await (await keptHistory(context)).countJobs(runFilter(query));
        return { status: 200, body: { jobs: Math.min(jobs, MOST_JOBS_AT_ONCE), more: jobs > MOST_JOBS_AT_ONCE } };
      },
    }),
    apiRoute({
      ...about,
      id: 'actOnFoundJobs',
      method: 'POST',
      path: '/api/v1/runs/jobs/{act}',
      needs: 'admin',
      summary:
        'Replay or discard the dead letters among the jobs that a filter finds, or cancel those that have not ended',
      description:
        'Ask for the count first and send it as `expected`: where the filter finds another number by then, by more than a tenth, nothing is done. The work goes on in the background, each job once, also after a worker was killed.',
      params: z.object({ act: z.enum(JOB_ACTS) }),
      body: z.strictObject({
        filter: RunFilterBody,
        expected: z.int().min(0).max(MOST_JOBS_AT_ONCE).describe('The count that was shown'),
      }),
      answers: { 202: { description: 'It has begun', schema: BegunBody } },
      async handle({ body: { expected, filter }, params: { act } }, { audit, caller }) {
        const history = await keptHistory(context);
        const answer = await history.act({ act, caller, expected, filter: runFilter(filter) });
        if (answer.outcome === 'too_many')
          throw new Problem(
            'conflict',
            `The filter finds more than ${answer.most} jobs; narrow it, by time for example.`,
          );
        if (answer.outcome === 'moved')
          throw new Problem(
            'conflict',
            `The filter finds ${answer.jobs} jobs by now, not ${expected}; look again, and send that number.`,
          );
        const details = { act, jobs: answer.jobs, filter };
        await audit({ action: `jobs.${act}`, entityType: 'job', entityId: answer.jobId, details });
        return { status: 202, body: { job_id: answer.jobId, jobs: answer.jobs } };
      },
    }),
  ];
}

const tasksOf = (sums: readonly { task: string }[]): string[] => [...new Set(sums.map(({ task }) => task))];

import { z } from 'zod';
import { JOB_ACTS, type JobAct, MOST_JOBS_AT_ONCE } from '../../lib/job-act.ts';
import type { RunFilter } from '../../repositories/history/runs.ts';
import type { HistoryContext } from '../history.ts';
import { errorGroupsBody, RunFilterFields, RunPlace, runDetailsBody, runFilter, runListBody } from '../run-bodies.ts';
import { wholeNumber } from '../text-fields.ts';
import { type Command, type Output, optionsBy, type PersonContext, table, UsageError, wordAt } from './command.ts';

export type RunsContext = PersonContext & { history: HistoryContext };

const text = { type: 'string' } as const;
const FILTER = '[--task T] [--state S] [--from TIME] [--to TIME] [--customer C] [--error FINGERPRINT] [--text TEXT]';

const Options = z.object({
  ...RunFilterFields,
  after: RunPlace.optional(),
  limit: wholeNumber(1, 200).default(50),
  expected: wholeNumber(0, MOST_JOBS_AT_ONCE).optional(),
});
type Options = z.output<typeof Options>;

export const runsCommands: readonly Command<RunsContext>[] = [
  {
    name: 'runs',
    usage: `[list | groups | show JOB | ${JOB_ACTS.join(' | ')}] ${FILTER} [--limit N] [--after PLACE] [--expected N]`,
    maxWords: 2,
    summary: 'Search what ran, group equal errors, and replay, discard or cancel all that a search finds',
    options: {
      ...{ task: text, state: text, from: text, to: text, customer: text, 'correlation-id': text, error: text, text },
      ...{ after: text, limit: text, expected: text },
    },
    async run(args, context, output) {
      const verb = args.words[0] ?? 'list';
      if (!['list', 'groups', 'show', ...JOB_ACTS].includes(verb))
        throw new UsageError(`runs can list, group, show, ${JOB_ACTS.join(', ')}, not '${verb}'`);
      const options = optionsBy(Options, args);
      const missing = await context.history.missing();
      if (missing) {
        output.note(missing.en);
        return 1;
      }
      const filter = runFilter(options);
      if (verb === 'list') return await list(filter, options, context, output);
      if (verb === 'groups') return await groups(filter, options, context, output);
      if (verb === 'show') return await show(wordAt(args, 1, 'The id of the job'), context, output);
      return await act(verb as JobAct, filter, options, context, output);
    },
  },
];

async function list(
  filter: RunFilter,
  { after, limit }: Options,
  { history }: RunsContext,
  out: Output,
): Promise<number> {
  const page = await history.runs.search(filter, { after, limit });
  const body = runListBody(page);
  const rows = body.runs.map((run) => [
    ...[run.ended_at, run.task, run.state, `${run.duration_ms} ms`, run.job_id, run.customer ?? ''],
    firstLine(run.error?.text ?? '', 80),
  ]);
  const lines = table([['ENDED AT', 'TASK', 'STATE', 'TOOK', 'JOB', 'CUSTOMER', 'ERROR'], ...rows]);
  if (body.searched_to) lines.push(`Looked at the errors since ${body.searched_to}.`);
  if (body.next) lines.push(`There are more: --after ${body.next}`);
  out.print(body, rows.length === 0 && !body.next ? ['No runs.'] : lines);
  return 0;
}

async function groups(filter: RunFilter, { limit }: Options, { history }: RunsContext, out: Output): Promise<number> {
  const body = errorGroupsBody(await history.runs.groups(filter, limit));
  const rows = body.groups.map(({ error, last_at: lastAt, runs, tasks, text: words }) => [
    ...[String(runs), lastAt, error, tasks.join(','), firstLine(words, 100)],
  ]);
  out.print(body, rows.length === 0 ? ['No failures.'] : table([['RUNS', 'LAST', 'ERROR', 'TASKS', 'TEXT'], ...rows]));
  return 0;
}

async function show(jobId: string, { history }: RunsContext, out: Output): Promise<number> {
  const runs = (await history.runs.ofJob(jobId)).map(runDetailsBody);
  const lines = runs.flatMap(({ attempt, ended_at: endedAt, error, payload, state, task }) => [
    `${endedAt}  ${task}  attempt ${attempt}: ${state}${error ? `, ${error.code}: ${error.text}` : ''}`,
    ...(payload === undefined ? [] : [`  ${JSON.stringify(payload)}`]),
  ]);
  out.print(runs, runs.length === 0 ? [`No run of ${jobId} is kept.`] : lines);
  return runs.length === 0 ? 1 : 0;
}

const firstLine = (words: string, most: number): string => (words.split('\n')[0] ?? '').slice(0, most);

/** Without the count it acts on nothing, and says the count. */
async function act(
  verb: JobAct,
  filter: RunFilter,
  { expected }: Options,
  { caller, history, record }: RunsContext,
  out: Output,
): Promise<number> {
  if (expected === undefined) {
    const jobs = await history.countJobs(filter);
    out.print({ jobs }, [`The search finds ${jobs} jobs. To ${verb} them: the same again with --expected ${jobs}`]);
    return 0;
  }
  const answer = await history.act({ act: verb, caller, expected, filter });
  if (answer.outcome === 'begun') {
    const details = { act: verb, jobs: answer.jobs, filter };
    await record({ action: `jobs.${verb}`, entityType: 'job', entityId: answer.jobId, details });
    out.print(answer, [`${answer.jobs} jobs, by the job ${answer.jobId}.`]);
    return 0;
  }
  const why =
    answer.outcome === 'moved'
      ? `The search finds ${answer.jobs} jobs by now, not ${expected}: look again.`
      : `The search finds more than ${answer.most} jobs: narrow it, by time for example.`;
  out.note(why);
  return 1;
}

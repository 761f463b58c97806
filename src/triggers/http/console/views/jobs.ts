import { z } from 'zod';
import { days, hours, seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import { type JobAct, MOST_JOBS_AT_ONCE } from '../../../../lib/job-act.ts';
import { durationText, howMany, numberText } from '../../../../lib/quantities.ts';
import { said } from '../../../../lib/said.ts';
import { RUN_OUTCOMES } from '../../../../repositories/history/run-rows.ts';
import type { KeptRun, RunFilter } from '../../../../repositories/history/runs.ts';
import { deadLetters, replayDeadLetter } from '../../api/dead-letters.ts';
import { cancelJob, jobOf } from '../../api/jobs.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import type { HttpContext } from '../../context.ts';
import { Problem } from '../../problem.ts';
import { dataTable } from '../components/data-table.ts';
import { filterForm, pagination } from '../components/filters.ts';
import { personOf } from '../components/people.ts';
import { emptyState, progressBar, stateBadge } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { type Deed, type Done, defineView, type Question, type Wish } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { JOB_STATE_TEXTS, JOB_STATE_TONES, OUTCOME_TEXTS, OUTCOME_TONES } from '../run-words.ts';

const LISTED = 50;
const GROUPS = 20;
const LETTERS = 50;

/** How far back a list goes. */
const SPANS = { hour: hours(1), day: days(1), week: days(7), month: days(30) } as const;

const Query = z.object({
  text: z.string().trim().max(200).optional(),
  task: z.string().trim().max(100).optional(),
  state: z.enum(RUN_OUTCOMES).optional(),
  customer: z.string().trim().max(200).optional(),
  correlation: z.string().trim().max(200).optional(),
  error: z
    .string()
    .regex(/^[\da-f]{16}$/)
    .optional(),
  since: z.enum(['hour', 'day', 'week', 'month']).default('day'),
  cursor: z
    .string()
    .regex(/^\d{1,15}_[\da-f-]{36}$/)
    .optional(),
});
type Query = z.output<typeof Query>;

/** The count that the question told. */
const Expected = z.object({ expected: z.coerce.number().int().min(0).optional() });

/** One act on all jobs that the filters find: as many as the person was told, or none. */
const foundDeed = (act: JobAct): Deed<typeof Expected, unknown, Query, FoundWord, string> => ({
  needs: 'admin',
  label: `${act}Found`,
  form: { schema: Expected, fields: {} },
  ask: (context, wish) => sureFound(context, wish),
  run: (context, wish) => actOnFound(context, act, wish),
});

/** Search over all runs, groups of equal errors, dead letters, and acts on all that a filter finds. */
export default defineView({
  path: '/jobs',
  needs: 'view',
  nav: { group: 'work', order: 10, bar: true },
  texts: {
    title: { en: 'Jobs', ru: 'Задания' },
    going: { en: 'Goes on', ru: 'Идёт сейчас' },
    nothingGoes: { en: 'No long work goes on.', ru: 'Долгих работ сейчас нет.' },
    letters: { en: 'Dead letters', ru: 'Неудавшиеся навсегда' },
    noLetters: { en: 'Nothing has failed for good.', ru: 'Окончательных ошибок нет.' },
    groups: { en: 'Errors by kind', ru: 'Ошибки по видам' },
    noGroups: { en: 'No attempt failed in this time.', ru: 'За это время ни одна попытка не провалилась.' },
    runs: { en: 'Runs', ru: 'Запуски' },
    noRuns: { en: 'No run fits these filters.', ru: 'Под эти фильтры не подходит ни один запуск.' },
    searchedTo: { en: 'Searched back to %.', ru: 'Просмотрено до %.' },
    task: { en: 'Task', ru: 'Задача' },
    state: { en: 'Outcome', ru: 'Итог' },
    text: { en: 'Text of the error', ru: 'Текст ошибки' },
    customer: { en: 'Customer', ru: 'Клиент' },
    correlation: { en: 'Correlation id', ru: 'Id корреляции' },
    since: { en: 'Since', ru: 'За время' },
    'span.hour': { en: 'the last hour', ru: 'последний час' },
    'span.day': { en: 'the last day', ru: 'последние сутки' },
    'span.week': { en: 'the last 7 days', ru: 'последние 7 дней' },
    'span.month': { en: 'the last 30 days', ru: 'последние 30 дней' },
    ended: { en: 'Ended', ru: 'Завершён' },
    took: { en: 'Took', ru: 'Длился' },
    times: { en: 'Times', ru: 'Раз' },
    last: { en: 'Last', ru: 'Последний раз' },
    failed: { en: 'Failed', ru: 'Когда' },
    reason: { en: 'Reason', ru: 'Причина' },
    found: { en: 'All that these filters find', ru: 'Всё, что находят эти фильтры' },
    replay: { en: 'Replay', ru: 'Повторить' },
    replayFound: { en: 'Replay dead letters', ru: 'Повторить неудавшиеся' },
    discardFound: { en: 'Discard dead letters', ru: 'Удалить неудавшиеся' },
    cancelFound: { en: 'Cancel what has not ended', ru: 'Отменить незавершённые' },
    cancel: { en: 'Cancel', ru: 'Отменить' },
    sureCancel: {
      en: 'It ends where it stands; what is done stays done. Go on?',
      ru: 'Работа остановится; сделанное останется. Продолжить?',
    },
    sureFound: { en: 'The filters find %. Go on?', ru: 'Фильтры находят: %. Продолжить?' },
    begun: { en: 'It has begun for %, as job %.', ru: 'Начато: %, задание %.' },
    moved: { en: 'The filters find % by now. Look again.', ru: 'Теперь фильтры находят: %. Проверьте ещё раз.' },
    tooMany: { en: 'The filters find more than %; narrow them.', ru: 'Фильтры находят больше %; сузьте их.' },
    noneFound: { en: 'The filters find no job.', ru: 'Фильтры не находят ни одного задания.' },
    replayed: { en: 'It runs again.', ru: 'Запущено снова.' },
    cancelled: { en: 'It was told to end.', ru: 'Ей сказано завершиться.' },
  },
  query: Query,

  deeds: ({ deed }) => ({
    replay: deed({
      needs: 'admin',
      label: 'replay',
      form: { schema: z.object({ id: z.string().min(1).max(255) }), fields: {} },
      async run(context, { form: { id }, page }) {
        const act = await replayDeadLetter(context, id);
        if (!act) throw new Problem('not-found', page.say('goneLetter'));
        return { receipt: page.say('replayed'), act };
      },
    }),
    cancel: deed({
      needs: 'admin',
      label: 'cancel',
      tone: 'bad',
      form: { schema: z.object({ id: z.string().min(1).max(255) }), fields: {} },
      ask: (_context, { page }) => page.say('sureCancel'),
      async run(context, { caller, form: { id }, page }) {
        const done = await cancelJob(context, await jobOf(context, id), callerOf(caller));
        if (!done) throw new Problem('conflict', page.say('jobOver'));
        return { receipt: page.say('cancelled'), act: done.act };
      },
    }),
    replayFound: deed(foundDeed('replay')),
    discardFound: deed({ ...foundDeed('discard'), tone: 'bad' }),
    cancelFound: deed({ ...foundDeed('cancel'), tone: 'bad' }),
  }),

  parts: ({ part }) => [
    part({
      name: 'going',
      heading: 'going',
      everyMs: seconds(5),
      async load({ jobs, progress }) {
        const watched = await jobs.watched();
        const open = watched.filter(({ finishedAt }) => finishedAt === undefined);
        const records = await Promise.all(open.map(({ progressId }) => progress.find(progressId)));
        return open.map((job, i) => ({ job, counts: Counts.safeParse(records[i]).data }));
      },
      draw(rows, page) {
        const { form, locale, say } = page;
        if (rows.length === 0) return emptyState(say('nothingGoes'));
        return dataTable({
          caption: say('going'),
          rows,
          idOf: ({ job }) => `going-${job.id}`,
          columns: [
            {
              heading: say('task'),
              cell: ({ job }) =>
                html`<a href="/jobs/${encodeURIComponent(job.id)}"><code>${job.task}</code></a> <span class="muted">${personOf(job.initiatedBy)}</span>`,
            },
            {
              heading: say('state'),
              cell: ({ counts, job }) =>
                html`${stateBadge(JOB_STATE_TONES[job.state], JOB_STATE_TEXTS[job.state][locale])}${
                  counts ? html` ${progressBar(counts.processed, counts.total, job.task, page)}` : ''
                }`,
            },
            { heading: say('since'), cell: ({ job }) => timeAgo(job.createdAt, page) },
            {
              heading: '',
              kind: 'actions',
              cell: ({ job }) => form('cancel', { key: job.id, hidden: { id: job.id }, about: job.task }),
            },
          ],
        });
      },
    }),
    part({
      name: 'letters',
      heading: 'letters',
      everyMs: seconds(15),
      load: (context) => deadLetters(context, LETTERS),
      draw(letters, page) {
        const { form, say } = page;
        if (letters.length === 0) return emptyState(say('noLetters'));
        return dataTable({
          caption: say('letters'),
          rows: letters,
          idOf: ({ id }) => `letter-${id}`,
          columns: [
            {
              heading: say('task'),
              cell: ({ id, task }) => html`<a href="/jobs/${encodeURIComponent(id)}"><code>${task}</code></a>`,
            },
            {
              heading: say('reason'),
              cell: ({ reason }) => html`<span class="wrap">${said(reason, page.locale)}</span>`,
            },
            { heading: say('failed'), cell: ({ failed_at: at }) => timeAgo(new Date(at), page) },
            {
              heading: '',
              kind: 'actions',
              cell: ({ id, task }) => form('replay', { key: id, hidden: { id }, about: task }),
            },
          ],
        });
      },
    }),
    part({
      name: 'groups',
      heading: 'groups',
      everyMs: seconds(30),
      load: (context, { query }) =>
        fromHistory(context, ({ runs }) => runs.groups(filterOf(query, context.clock()), GROUPS)),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ groups, lookedAtFrom }) => {
          const { link, locale, say } = page;
          if (groups.length === 0) return emptyState(say('noGroups'));
          const searched = lookedAtFrom
            ? html`<p class="muted">${say('searchedTo', page.clock.minute(lookedAtFrom))}</p>`
            : '';
          const table = dataTable({
            caption: say('groups'),
            rows: groups,
            idOf: ({ fingerprint }) => `group-${fingerprint}`,
            columns: [
              {
                heading: say('reason'),
                cell: ({ code, fingerprint, text }) =>
                  html`<a href="${link({ error: fingerprint, cursor: undefined })}"><code>${code}</code></a><span class="muted about wrap">${said(text, page.locale)}</span>`,
              },
              { heading: say('task'), cell: ({ tasks }) => tasks.join(', ') },
              { heading: say('times'), kind: 'number', cell: ({ runs }) => numberText(runs, locale) },
              {
                heading: say('last'),
                cell: ({ jobId, lastAt }) =>
                  html`<a href="/jobs/${encodeURIComponent(jobId)}">${timeAgo(lastAt, page)}</a>`,
              },
            ],
          });
          return html`${table}${searched}`;
        }),
    }),
    part({
      name: 'runs',
      heading: 'runs',
      everyMs: seconds(15),
      load: (context, { query }) =>
        fromHistory(context, ({ runs }) => {
          const [ms, id] = query.cursor?.split('_') ?? [];
          const after = id === undefined ? undefined : { endedAt: new Date(Number(ms)), id };
          return runs.search(filterOf(query, context.clock()), { after, limit: LISTED });
        }),
      draw(from, page, { query }) {
        const { form, locale, say } = page;
        const filters = filterForm(
          [
            { kind: 'text', name: 'text', label: say('text'), value: query.text },
            { kind: 'text', name: 'task', label: say('task'), value: query.task },
            {
              kind: 'choice',
              name: 'state',
              label: say('state'),
              value: query.state,
              options: RUN_OUTCOMES.map((value) => ({ value, label: OUTCOME_TEXTS[value][locale] })),
            },
            { kind: 'text', name: 'customer', label: say('customer'), value: query.customer },
            { kind: 'text', name: 'correlation', label: say('correlation'), value: query.correlation },
            {
              kind: 'choice',
              name: 'since',
              label: say('since'),
              value: query.since,
              options: (['hour', 'day', 'week', 'month'] as const).map((value) => ({
                value,
                label: say(`span.${value}`),
              })),
            },
          ],
          page,
        );
        return html`${filters}${drawHistory(from, locale, ({ next, runs, searchedTo }) => {
          const table = dataTable({
            caption: say('runs'),
            rows: runs,
            idOf: ({ id }) => `run-${id}`,
            columns: [
              {
                heading: say('task'),
                cell: ({ error, jobId, task }: KeptRun) =>
                  html`<a href="/jobs/${encodeURIComponent(jobId)}"><code>${task}</code></a>${error ? html`<span class="muted about wrap">${said(error.text, page.locale)}</span>` : ''}`,
              },
              {
                heading: say('state'),
                cell: ({ outcome }) => stateBadge(OUTCOME_TONES[outcome], OUTCOME_TEXTS[outcome][locale]),
              },
              {
                heading: say('customer'),
                cell: ({ customer }) =>
                  customer ? html`<a href="/customers/${encodeURIComponent(customer)}">${customer}</a>` : '',
              },
              { heading: say('took'), kind: 'number', cell: ({ durationMs }) => durationText(durationMs, locale) },
              { heading: say('ended'), cell: ({ endedAt }) => timeAgo(endedAt, page) },
            ],
          });
          const searched = searchedTo
            ? html`<p class="muted">${say('searchedTo', page.clock.minute(searchedTo))}</p>`
            : '';
          const place = next && `${next.endedAt.getTime()}_${next.id}`;
          const acts =
            runs.length === 0
              ? ''
              : html`<p class="actions"><span class="muted">${say('found')}:</span>${join([form('replayFound'), form('discardFound'), form('cancelFound')], '')}</p>`;
          return html`${runs.length > 0 ? table : emptyState(say('noRuns'))}${searched}${pagination(place, query.cursor === undefined, page)}${acts}`;
        })}`;
      },
    }),
  ],
});

const Counts = z.object({ processed: z.number(), total: z.number() });

function filterOf({ correlation, customer, error, since, state, task, text }: Query, now: Date): RunFilter {
  return {
    tasks: task ? [task] : undefined,
    outcomes: state ? [state] : undefined,
    from: new Date(now.getTime() - SPANS[since]),
    customers: customer ? [customer] : undefined,
    correlationId: correlation || undefined,
    fingerprint: error,
    text: text || undefined,
  };
}

type FoundWord =
  | 'begun'
  | 'cancelFound'
  | 'discardFound'
  | 'moved'
  | 'noneFound'
  | 'replayFound'
  | 'sureFound'
  | 'tooMany';

type FoundWish = Wish<z.output<typeof Expected>, unknown, Query, FoundWord, string>;

/** Says how many jobs the filters find now; the yes brings the number back. */
async function sureFound({ clock, history }: HttpContext, { page, query }: FoundWish): Promise<Question> {
  const found = await history.countJobs(filterOf(query, clock()));
  if (found === 0) throw new Problem('conflict', page.say('noneFound'));
  if (found > MOST_JOBS_AT_ONCE)
    throw new Problem('conflict', page.say('tooMany', numberText(MOST_JOBS_AT_ONCE, page.locale)));
  return { sentence: page.say('sureFound', howMany(found, 'job', page.locale)), sent: { expected: String(found) } };
}

async function actOnFound(
  { clock, history }: HttpContext,
  act: JobAct,
  { caller, form: { expected }, page, query }: FoundWish,
): Promise<Done> {
  const filter = filterOf(query, clock());
  const moved = (jobs: number): Problem =>
    new Problem('conflict', page.say('moved', howMany(jobs, 'job', page.locale)));
  // A yes to no question.
  if (expected === undefined) throw moved(await history.countJobs(filter));
  const answer = await history.act({ act, caller: callerOf(caller), expected, filter });
  if (answer.outcome === 'too_many')
    throw new Problem('conflict', page.say('tooMany', numberText(answer.most, page.locale)));
  if (answer.outcome === 'moved') throw moved(answer.jobs);
  const { jobId, jobs } = answer;
  return {
    receipt: page.say('begun', howMany(jobs, 'job', page.locale), jobId),
    act: { action: `jobs.${act}`, entityType: 'job', entityId: jobId, details: { act, jobs, filter } },
    goTo: `/jobs/${encodeURIComponent(jobId)}`,
  };
}

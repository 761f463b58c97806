import { z } from 'zod';
import { days, hours, seconds } from '../../../../lib/duration.ts';
import { type Html, html } from '../../../../lib/html.ts';
import { durationText, numberText } from '../../../../lib/quantities.ts';
import type { KeptRun, RunDurations, RunHour } from '../../../../repositories/history/runs.ts';
import { describeTask } from '../../../../runtime/describe-task.ts';
import { dispatchFor } from '../../api/dispatch.ts';
import { Reason, scheduleBodies, turnSchedule } from '../../api/schedules.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { dataTable } from '../components/data-table.ts';
import { trendLine } from '../components/drawings.ts';
import { scheduleInWords } from '../components/schedules.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { drawPause } from '../pause-words.ts';
import { payloadForm } from '../payload-form.ts';
import { OUTCOME_TEXTS, OUTCOME_TONES } from '../run-words.ts';

/** Room for the longest list that a payload may hold, typed or taken from a file. */
const PAYLOAD_BYTES = 8 * 1_048_576;

/** How far back the line of a task goes, by the hour. */
const TREND_HOURS = 48;
const RUNS_SHOWN = 50;

const PAUSE_FORM = {
  schema: z.object({ reason: Reason.optional() }),
  fields: { reason: { kind: 'text', label: { en: 'Reason of a pause', ru: 'Причина паузы' } } },
} as const;

/** One task: what it does, when it runs, how it retries, and a button that runs it. */
export default defineView({
  path: '/tasks/:name',
  needs: 'view',
  texts: {
    title: { en: 'Task', ru: 'Задача' },
    facts: { en: 'About it', ru: 'О задаче' },
    queue: { en: 'Queue', ru: 'Очередь' },
    schedule: { en: 'Schedule', ru: 'Расписание' },
    last: { en: 'Last run', ru: 'Последний запуск' },
    next: { en: 'Next run', ru: 'Следующий запуск' },
    ok: { en: 'done', ru: 'готово' },
    failed: { en: 'failed', ru: 'ошибка' },
    off: { en: 'switched off', ru: 'отключена' },
    onDemand: { en: 'on demand', ru: 'по требованию' },
    past: { en: 'Runs', ru: 'Запуски' },
    trend: { en: 'Runs an hour in the last two days, % in all', ru: 'Запуски по часам за двое суток, всего %' },
    usual: { en: 'Half take up to %, 95 of 100 up to %.', ru: 'Половина — до %, 95 из 100 — до %.' },
    noRuns: { en: 'No run is on record.', ru: 'Записей о запусках нет.' },
    outcome: { en: 'Outcome', ru: 'Итог' },
    took: { en: 'Took', ru: 'Длился' },
    ended: { en: 'Ended', ru: 'Завершён' },
    allRuns: { en: 'All runs', ru: 'Все запуски' },
    receipts: { en: 'What its runs did', ru: 'Что сделали её запуски' },
    run: { en: 'Run now', ru: 'Запустить' },
    started: { en: '% is in its queue, as job %.', ru: '% поставлена в очередь, задание %.' },
    sureRun: {
      en: 'Run % now? It may run for long and touch many users.',
      ru: 'Запустить % сейчас? Это может идти долго и затронуть многих.',
    },
    runHeading: { en: 'Run it', ru: 'Запуск' },
    aliases: { en: 'Also known as', ru: 'Другие имена' },
    retries: { en: 'Retries after', ru: 'Повторы через' },
    noRetries: { en: 'none', ru: 'нет' },
    'out.alert': { en: 'then an alert to the admins', ru: 'затем тревога админам' },
    'out.alert-critical': { en: 'then a critical alert to the admins', ru: 'затем критическая тревога админам' },
    'out.log': { en: 'then a line in the log', ru: 'затем запись в журнале' },
    'out.next-run': { en: 'then the next run does it', ru: 'затем это сделает следующий запуск' },
    pause: { en: 'Pause', ru: 'Пауза' },
    resume: { en: 'Resume', ru: 'Продолжить' },
    surePause: {
      en: 'Pause the schedule of %? It starts nothing until somebody resumes it, and nobody is alerted.',
      ru: 'Поставить расписание % на паузу? Оно ничего не запустит, пока его не продолжат, и тревоги не будет.',
    },
    paused: { en: 'The schedule of % is paused.', ru: 'Расписание % на паузе.' },
    resumed: { en: '% runs again from its next time on.', ru: '% снова работает со следующего срока.' },
    already: { en: '% waits or runs already, as job %.', ru: '% уже ждёт или выполняется, задание %.' },
  },
  params: z.object({ name: z.string().min(1).max(100) }),
  heading: ({ name }) => name,

  deeds: ({ deed }) => ({
    run: deed({
      needs: 'admin',
      label: 'run',
      bodyBytes: PAYLOAD_BYTES,
      form: (context, { params }) => payloadForm(context.registry.get(params.name).task),
      ask(context, { form, page, params }) {
        const { task } = context.registry.get(params.name);
        if (task.mass && form.dry_run === true) return undefined;
        return task.longRunning || task.watched ? page.say('sureRun', task.name) : undefined;
      },
      async run(context, { audit, caller, form, page, params, request }) {
        const { traceparent } = request.headers;
        const asked = { name: params.name, payload: form, caller: callerOf(caller), audit, traceparent };
        const { already, approval, job_id: id, task } = await dispatchFor(context, asked);
        if (approval) return { receipt: page.say('waitsForSecond', task), act: 'recorded', goTo: '/approvals' };
        const receipt = page.say(already ? 'already' : 'started', task, id);
        // What a dry run found is on the page of its job.
        const isDry = form.dry_run === true && context.registry.get(params.name).task.mass !== undefined;
        return { receipt, act: 'recorded', ...(isDry && { goTo: `/jobs/${encodeURIComponent(id)}` }) };
      },
    }),
    pause: deed({
      needs: 'admin',
      label: 'pause',
      form: PAUSE_FORM,
      ask: (_, { page, params }) => page.say('surePause', params.name),
      async run(context, { caller, form: { reason }, page, params }) {
        const { act, task } = await turnSchedule(context, params.name, { by: callerOf(caller), reason });
        return { receipt: page.say('paused', task), act };
      },
    }),
    resume: deed({
      needs: 'admin',
      label: 'resume',
      async run(context, { page, params }) {
        const { act, task } = await turnSchedule(context, params.name, 'resume');
        return { receipt: page.say('resumed', task), act };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'facts',
      heading: 'facts',
      everyMs: seconds(5),
      async load(context, { params }) {
        const { task } = context.registry.get(params.name);
        const [schedules, lastRuns, paused] = await Promise.all([
          scheduleBodies(context),
          context.state.lastRuns(),
          context.pausedSchedules.all(),
        ]);
        const schedule = context.schedules.get(task.name);
        return {
          ...describeTask(task, schedule, context.disabledTasks.has(task.name)),
          task,
          when: schedule,
          next: schedules.find((body) => body.task === task.name)?.next_run,
          last: lastRuns.get(task.name),
          pause: paused.get(task.name),
        };
      },
      draw({ aliases, enabled, last, next, pause, queue, retry_delays_seconds: delays, task, when }, page) {
        const { locale, say } = page;
        const retries = delays.map((delay) => durationText(seconds(delay), locale)).join(', ');
        const schedule = when ? scheduleInWords(when, locale) : say('onDemand');
        return html`<p>${task.summary[locale]}.</p><dl class="facts">
<dt>${say('queue')}</dt><dd>${queue}</dd>
<dt>${say('schedule')}</dt><dd>${enabled ? schedule : stateBadge('calm', say('off'))}${pause ? html`<p>${drawPause(pause, page)}</p>` : ''}${when && enabled ? page.form(pause ? 'resume' : 'pause', { about: task.name }) : ''}</dd>
<dt>${say('last')}</dt><dd>${last ? html`${stateBadge(last.ok ? 'good' : 'bad', say(last.ok ? 'ok' : 'failed'))} ${timeAt(last.at, page)}` : say('never')}${last?.error ? html`<p class="muted">${last.error}</p>` : ''}</dd>
<dt>${say('next')}</dt><dd>${enabled && next && !pause ? timeAt(new Date(next), page) : '–'}</dd>
<dt>${say('retries')}</dt><dd>${retries || say('noRetries')}; ${say(`out.${task.retry.exhausted}`)}</dd>
${aliases.length > 0 ? html`<dt>${say('aliases')}</dt><dd><code>${aliases.join(', ')}</code></dd>` : ''}</dl>${task.mass && page.may('admin') ? html`<p><a href="/receipts?task=${task.name}">${say('receipts')}</a></p>` : ''}`;
      },
    }),
    part({
      name: 'run',
      heading: 'runHeading',
      needs: 'admin',
      load(context, { params }) {
        const { task } = context.registry.get(params.name);
        return { name: task.name, isOff: context.disabledTasks.has(task.name), values: payloadForm(task).values };
      },
      draw: ({ isOff, name, values }, { form, say }) =>
        isOff ? stateBadge('calm', say('off')) : form('run', { about: name, values }),
    }),
    part({
      name: 'past',
      heading: 'past',
      everyMs: seconds(30),
      load: (context, { params: { name } }) =>
        fromHistory(context, async ({ runs }) => {
          const to = context.clock();
          const from = new Date(to.getTime() - hours(TREND_HOURS));
          const recent = { tasks: [name], from: new Date(to.getTime() - days(30)) };
          const [sums, [usual], { runs: latest }] = await Promise.all([
            runs.hours({ from, to, tasks: [name] }),
            runs.durations([name], recent.from),
            runs.search(recent, { limit: RUNS_SHOWN }),
          ]);
          return { from, sums, usual, latest };
        }),
      draw: (kept, page) => drawHistory(kept, page.locale, (past) => drawPast(past, page)),
    }),
  ],
});

type Past = { from: Date; sums: readonly RunHour[]; usual: RunDurations | undefined; latest: readonly KeptRun[] };
type PastWord = 'allRuns' | 'ended' | 'noRuns' | 'outcome' | 'past' | 'took' | 'trend' | 'usual';

function drawPast({ from, latest, sums, usual }: Past, page: Page<PastWord>): Html {
  const { locale, say } = page;
  if (latest.length === 0) return emptyState(say('noRuns'));
  const byHour = new Map(sums.map((sum) => [Math.floor(sum.hour.getTime() / hours(1)), countOf(sum)]));
  const first = Math.ceil(from.getTime() / hours(1));
  const counts = Array.from({ length: TREND_HOURS }, (_, i) => byHour.get(first + i) ?? 0);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const usually = usual ? say('usual', durationText(usual.p50Ms, locale), durationText(usual.p95Ms, locale)) : '';
  const table = dataTable({
    caption: say('past'),
    rows: latest,
    idOf: ({ id }) => `run-${id}`,
    columns: [
      {
        heading: say('outcome'),
        cell: ({ error, jobId, outcome }) =>
          html`<a href="/jobs/${encodeURIComponent(jobId)}">${stateBadge(OUTCOME_TONES[outcome], OUTCOME_TEXTS[outcome][locale])}</a>${error ? html`<span class="muted about wrap">${error.text}</span>` : ''}`,
      },
      { heading: say('took'), kind: 'number', cell: ({ durationMs }) => durationText(durationMs, locale) },
      { heading: say('ended'), cell: ({ endedAt }) => timeAgo(endedAt, page) },
    ],
  });
  const name = say('trend', numberText(total, locale));
  const more = html`<p><a href="/jobs?task=${encodeURIComponent(latest[0]!.task)}&amp;since=month">${say('allRuns')}</a></p>`;
  return html`${trendLine(counts, name)}<p class="muted">${name}. ${usually}</p>${table}${more}`;
}

const countOf = ({ cancelled, failed, retried, succeeded }: RunHour): number =>
  cancelled + failed + retried + succeeded;

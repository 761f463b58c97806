import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { durationText, numberText } from '../../../../lib/quantities.ts';
import { said } from '../../../../lib/said.ts';
import type { KeptRun } from '../../../../repositories/history/runs.ts';
import { deadLetter, replayDeadLetter } from '../../api/dead-letters.ts';
import { cancelJob, jobOf } from '../../api/jobs.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { withoutSecrets } from '../../auth/secrets.ts';
import { Problem } from '../../problem.ts';
import { dataTable } from '../components/data-table.ts';
import { DryRunResult, drawDryRun } from '../components/dry-runs.ts';
import { personOf } from '../components/people.ts';
import { emptyState, progressBar, stateBadge } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { JOB_STATE_TEXTS, JOB_STATE_TONES, OUTCOME_TEXTS, OUTCOME_TONES } from '../run-words.ts';

/** One job, or one message that died before it became a job: what was asked, each attempt, what to do. */
export default defineView({
  path: '/jobs/:id',
  needs: 'view',
  texts: {
    title: { en: 'Job', ru: 'Задание' },
    facts: { en: 'Facts', ru: 'Сведения' },
    attempts: { en: 'Attempts', ru: 'Попытки' },
    noAttempts: { en: 'No attempt has ended yet.', ru: 'Ни одна попытка ещё не завершилась.' },
    payload: { en: 'Payload, without secrets', ru: 'Данные, без секретов' },
    noPayload: { en: 'It is kept nowhere any more.', ru: 'Данные уже нигде не хранятся.' },
    gone: {
      en: 'The queue does not know this job any more; results are kept for a limited time.',
      ru: 'Очередь уже не знает этого задания; результаты хранятся ограниченное время.',
    },
    task: { en: 'Task', ru: 'Задача' },
    state: { en: 'State', ru: 'Состояние' },
    by: { en: 'Asked by', ru: 'Кто поставил' },
    correlation: { en: 'Correlation id', ru: 'Id корреляции' },
    created: { en: 'Created', ru: 'Поставлено' },
    due: { en: 'Due', ru: 'Начнётся' },
    tries: { en: 'Attempts', ru: 'Попыток' },
    result: { en: 'Result', ru: 'Результат' },
    error: { en: 'Error', ru: 'Ошибка' },
    number: { en: 'Attempt', ru: 'Попытка' },
    outcome: { en: 'Outcome', ru: 'Итог' },
    waited: { en: 'Waited', ru: 'Ждала' },
    took: { en: 'Took', ru: 'Длилась' },
    ended: { en: 'Ended', ru: 'Завершена' },
    replay: { en: 'Replay', ru: 'Повторить' },
    replayed: { en: 'It runs again.', ru: 'Запущено снова.' },
    cancel: { en: 'Cancel', ru: 'Отменить' },
    sureCancel: {
      en: 'It ends where it stands; what is done stays done. Go on?',
      ru: 'Работа остановится; сделанное останется. Продолжить?',
    },
    cancelled: { en: 'It was told to end.', ru: 'Ему сказано завершиться.' },
    receipts: { en: 'What it did, and undoing it', ru: 'Что сделано и отмена сделанного' },
  },
  params: z.object({ id: z.string().min(1).max(255) }),
  heading: ({ id }, locale) => `${{ en: 'Job', ru: 'Задание' }[locale]} ${id}`,

  deeds: ({ deed }) => ({
    replay: deed({
      needs: 'admin',
      label: 'replay',
      async run(context, { page, params: { id } }) {
        const act = await replayDeadLetter(context, id);
        if (!act) throw new Problem('not-found', page.say('goneLetter'));
        return { receipt: page.say('replayed'), act };
      },
    }),
    cancel: deed({
      needs: 'admin',
      label: 'cancel',
      tone: 'bad',
      ask: (_context, { page }) => page.say('sureCancel'),
      async run(context, { caller, page, params: { id } }) {
        const done = await cancelJob(context, await jobOf(context, id), callerOf(caller));
        if (!done) throw new Problem('conflict', page.say('jobOver'));
        return { receipt: page.say('cancelled'), act: done.act };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'facts',
      heading: 'facts',
      everyMs: seconds(5),
      async load(context, { params: { id } }) {
        const [job, letter, missing] = await Promise.all([
          context.jobs.find(id),
          deadLetter(context, id),
          context.history.missing(),
        ]);
        const kept = job || letter || missing ? [] : await context.history.runs.ofJob(id);
        if (!job && !letter && kept.length === 0) throw new Problem('not-found', `There is no job ${id}.`);
        const { data: dryRun } = DryRunResult.safeParse(job?.result);
        const effects = dryRun && context.registry.find(dryRun.task)?.task.mass?.effects;
        return {
          job,
          letter,
          dryRun,
          isMass: job && context.registry.find(job.task)?.task.mass !== undefined,
          effects,
          progress: job && Counts.safeParse(await context.progress.find(job.progressId)).data,
        };
      },
      draw({ dryRun, effects = {}, isMass, job, letter, progress }, page) {
        const { form, locale, say } = page;
        const rows: [string, Html | string][] = job
          ? [
              [say('task'), html`<a href="/tasks/${job.task}"><code>${job.task}</code></a>`],
              [
                say('state'),
                html`${stateBadge(JOB_STATE_TONES[job.state], JOB_STATE_TEXTS[job.state][locale])}${
                  progress ? html` ${progressBar(progress.processed, progress.total, job.task, page)}` : ''
                }`,
              ],
              [say('by'), `${personOf(job.initiatedBy)} (${job.source})`],
              [
                say('correlation'),
                html`<a href="/jobs?correlation=${encodeURIComponent(job.correlationId)}&amp;since=month"><code class="wrap">${job.correlationId}</code></a>`,
              ],
              [say('created'), timeAt(job.createdAt, page)],
              ...(job.dueAt ? [[say('due'), timeAt(job.dueAt, page)] satisfies [string, Html]] : []),
              [say('tries'), `${numberText(job.attempts, locale)} ${say('of')} ${numberText(job.maxAttempts, locale)}`],
              ...(job.error
                ? [
                    [say('error'), html`<span class="wrap">${said(job.error, page.locale)}</span>`] satisfies [
                      string,
                      Html,
                    ],
                  ]
                : []),
              ...(job.result === undefined || dryRun
                ? []
                : [
                    [say('result'), html`<code class="wrap">${JSON.stringify(job.result)}</code>`] satisfies [
                      string,
                      Html,
                    ],
                  ]),
            ]
          : letter
            ? [
                [say('task'), letter.task],
                [say('error'), html`<span class="wrap">${said(letter.reason, page.locale)}</span>`],
                [say('created'), timeAt(new Date(letter.failed_at), page)],
              ]
            : [];
        const list = rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`);
        const isOpen = job && job.state !== 'completed' && job.state !== 'failed';
        return html`${rows.length > 0 ? html`<dl class="facts">${join(list, '')}</dl>` : emptyState(say('gone'))}${dryRun ? drawDryRun(dryRun, effects, locale) : ''}${isMass && page.may('admin') ? html`<p><a href="/receipts?job=${encodeURIComponent(job!.id)}">${say('receipts')}</a></p>` : ''}<p class="actions">${
          letter ? form('replay', { about: letter.task }) : ''
        }${isOpen ? form('cancel', { about: job.task }) : ''}</p>`;
      },
    }),
    part({
      name: 'attempts',
      heading: 'attempts',
      everyMs: seconds(10),
      load: (context, { params: { id } }) => fromHistory(context, ({ runs }) => runs.ofJob(id)),
      draw: (from, page) =>
        drawHistory(from, page.locale, (runs) => {
          const { locale, say } = page;
          if (runs.length === 0) return emptyState(say('noAttempts'));
          return dataTable({
            caption: say('attempts'),
            rows: runs,
            idOf: ({ id }) => `run-${id}`,
            columns: [
              { heading: say('number'), cell: ({ attempt }: KeptRun) => numberText(attempt, locale) },
              {
                heading: say('outcome'),
                cell: ({ error, outcome }) =>
                  html`${stateBadge(OUTCOME_TONES[outcome], OUTCOME_TEXTS[outcome][locale])}${
                    error
                      ? html` <a href="/jobs?error=${error.fingerprint}&amp;since=month"><code>${error.code}</code></a><span class="muted about wrap">${said(error.text, page.locale)}</span>`
                      : ''
                  }`,
              },
              { heading: say('waited'), kind: 'number', cell: ({ waitedMs }) => durationText(waitedMs, locale) },
              { heading: say('took'), kind: 'number', cell: ({ durationMs }) => durationText(durationMs, locale) },
              { heading: say('ended'), cell: ({ endedAt }) => timeAgo(endedAt, page) },
            ],
          });
        }),
    }),
    part({
      name: 'payload',
      heading: 'payload',
      needs: 'admin',
      async load(context, { params: { id } }) {
        const letter = await deadLetter(context, id);
        if (letter) return letter.payload;
        const payload = await context.jobs.payload(id);
        if (payload !== undefined) return withoutSecrets(payload);
        return (await context.history.missing()) ? undefined : (await context.history.runs.ofJob(id))[0]?.payload;
      },
      draw: (payload, { say }) =>
        payload === undefined
          ? emptyState(say('noPayload'))
          : html`<pre class="wrap">${JSON.stringify(payload, undefined, 2)}</pre>`,
    }),
  ],
});

const Counts = z.object({ processed: z.number(), total: z.number() });

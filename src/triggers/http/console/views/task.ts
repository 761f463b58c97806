import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { describeTask } from '../../../../runtime/describe-task.ts';
import { dispatchFor } from '../../api/dispatch.ts';
import { scheduleBodies } from '../../api/schedules.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { scheduleInWords } from '../components/schedules.ts';
import { stateBadge } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView } from '../define-view.ts';

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
    run: { en: 'Run now', ru: 'Запустить' },
    started: { en: '% is in its queue, as job %.', ru: '% поставлена в очередь, задание %.' },
    already: { en: '% waits or runs already, as job %.', ru: '% уже ждёт или выполняется, задание %.' },
  },
  params: z.object({ name: z.string().min(1).max(100) }),
  heading: ({ name }) => name,

  deeds: ({ deed }) => ({
    run: deed({
      needs: 'admin',
      label: 'run',
      async run(context, { audit, caller, page, params, request }) {
        const { traceparent } = request.headers;
        const asked = { name: params.name, payload: {}, caller: callerOf(caller), audit, traceparent };
        const { already, job_id: id, task } = await dispatchFor(context, asked);
        return { receipt: page.say(already ? 'already' : 'started', task, id), act: 'recorded' };
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
        const [schedules, lastRuns] = await Promise.all([scheduleBodies(context), context.state.lastRuns()]);
        const schedule = context.schedules.get(task.name);
        return {
          ...describeTask(task, schedule, context.disabledTasks.has(task.name)),
          when: schedule,
          next: schedules.find((body) => body.task === task.name)?.next_run,
          last: lastRuns.get(task.name),
        };
      },
      draw({ enabled, last, name, next, queue, summary, when }, page) {
        const { form, locale, say } = page;
        const schedule = when ? scheduleInWords(when, locale) : say('onDemand');
        return html`<p>${summary}</p><dl class="facts">
<dt>${say('queue')}</dt><dd>${queue}</dd>
<dt>${say('schedule')}</dt><dd>${enabled ? schedule : stateBadge('calm', say('off'))}</dd>
<dt>${say('last')}</dt><dd>${last ? html`${stateBadge(last.ok ? 'good' : 'bad', say(last.ok ? 'ok' : 'failed'))} ${timeAt(last.at, page)}` : say('never')}${last?.error ? html`<p class="muted">${last.error}</p>` : ''}</dd>
<dt>${say('next')}</dt><dd>${enabled && next ? timeAt(new Date(next), page) : '–'}</dd></dl>
${enabled && when ? form('run', { about: name }) : ''}`;
      },
    }),
  ],
});

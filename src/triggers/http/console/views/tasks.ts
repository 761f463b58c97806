import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import type { AnyTask } from '../../../../runtime/define-task.ts';
import { scheduleBodies } from '../../api/schedules.ts';
import { dataTable } from '../components/data-table.ts';
import { filterForm } from '../components/filters.ts';
import { scheduleInWords } from '../components/schedules.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { defineView } from '../define-view.ts';
import { drawPause } from '../pause-words.ts';

/** All tasks by queue, with what they do and when they run. */
export default defineView({
  path: '/tasks',
  needs: 'view',
  nav: { group: 'work', order: 20 },
  texts: {
    title: { en: 'Tasks', ru: 'Задачи' },
    task: { en: 'Task', ru: 'Задача' },
    name: { en: 'Name or purpose', ru: 'Имя или назначение' },
    schedule: { en: 'Schedule', ru: 'Расписание' },
    last: { en: 'Last run', ru: 'Последний запуск' },
    next: { en: 'Next run', ru: 'Следующий запуск' },
    ok: { en: 'done', ru: 'готово' },
    failed: { en: 'failed', ru: 'ошибка' },
    off: { en: 'switched off', ru: 'отключена' },
    onDemand: { en: 'on demand', ru: 'по требованию' },
    noScheduler: { en: 'no scheduler', ru: 'нет планировщика' },
    nothing: {
      en: 'No task has this in its name or its purpose.',
      ru: 'Такого нет ни в имени, ни в назначении задач.',
    },
  },
  query: z.object({ q: z.string().trim().max(100).optional() }),

  parts: ({ part }) => [
    part({
      name: 'list',
      everyMs: seconds(15),
      async load(context, { query: { q } }) {
        const [schedules, lastRuns, paused] = await Promise.all([
          scheduleBodies(context),
          context.state.lastRuns(),
          context.pausedSchedules.all(),
        ]);
        const bodies = new Map(schedules.map((body) => [body.task, body]));
        const found = context.registry.tasks.filter((task) => q === undefined || isAbout(task, q));
        return found.map((task) => ({
          task,
          body: bodies.get(task.name),
          schedule: context.schedules.get(task.name),
          last: lastRuns.get(task.name),
          pause: paused.get(task.name),
          isOff: context.disabledTasks.has(task.name),
        }));
      },
      draw(rows, page, { query: { q } }) {
        const { locale, say } = page;
        type Row = (typeof rows)[number];
        const columns = [
          {
            heading: say('task'),
            cell: ({ task }: Row) =>
              html`<a href="/tasks/${task.name}"><code>${task.name}</code></a><span class="muted about">${task.summary[locale]}</span>`,
          },
          {
            heading: say('schedule'),
            cell: ({ isOff, pause, schedule }: Row) => {
              if (isOff) return stateBadge('calm', say('off'));
              if (!schedule) return html`<span class="muted">${say('onDemand')}</span>`;
              return html`${scheduleInWords(schedule, locale)}${pause ? html`<br>${drawPause(pause, page)}` : ''}`;
            },
          },
          {
            heading: say('last'),
            cell: ({ last }: Row) =>
              last
                ? html`${stateBadge(last.ok ? 'good' : 'bad', say(last.ok ? 'ok' : 'failed'))} ${timeAgo(last.at, page)}${last.error ? html`<span class="muted about">${last.error}</span>` : ''}`
                : html`<span class="muted">${say('never')}</span>`,
          },
          {
            heading: say('next'),
            cell: ({ body, isOff, pause }: Row) => {
              if (!body || isOff || pause) return html`<span class="muted">–</span>`;
              return body.next_run
                ? timeAgo(new Date(body.next_run), page)
                : html`<span class="bad">${say('noScheduler')}</span>`;
            },
          },
        ];
        const queues = [...new Set(rows.map(({ task }) => task.queue))].map(
          (queue) =>
            html`<h2>${queue}</h2>${dataTable({
              caption: queue,
              isEven: true,
              columns,
              rows: rows.filter(({ task }) => task.queue === queue),
              idOf: ({ task }) => `task-${task.name}`,
            })}`,
        );
        const filters = filterForm([{ kind: 'text', name: 'q', label: say('name'), value: q }], page);
        return html`${filters}${queues.length > 0 ? join(queues, '') : emptyState(say('nothing'))}`;
      },
    }),
  ],
});

const isAbout = ({ name, summary }: AnyTask, text: string): boolean =>
  `${name} ${summary.en} ${summary.ru}`.toLowerCase().includes(text.toLowerCase());

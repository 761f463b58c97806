import type { z } from 'zod';
import { type Html, html, join } from '../../../lib/html.ts';
import { durationText, howMany, numberText } from '../../../lib/quantities.ts';
import type { DeadLetterBody, ScheduleBody } from '../api/schemas.ts';
import type { WatchedJob } from './data.ts';
import { action, badge, live, nothing, type View } from './parts.ts';
import { moment } from './spans.ts';
import { isWord } from './texts.ts';

type DeadLetter = z.output<typeof DeadLetterBody>;
type Schedule = z.output<typeof ScheduleBody>;

const JOB_TONES = {
  waiting: 'calm',
  delayed: 'calm',
  active: 'good',
  completed: 'good',
  failed: 'bad',
  paused: 'warn',
  cancelled: 'warn',
} as const;

/** Bulk operations and broadcasts with how far they have come. */
export function longJobs(jobs: readonly WatchedJob[] | undefined, view: View): Html {
  const { say } = view;
  if (!jobs) return live('work', say('work'), nothing(say('unknown')));
  if (jobs.length === 0) return live('work', say('work'), nothing(say('noWork')));
  return live(
    'work',
    say('work'),
    html`<ul class="list">${join(
      jobs.map((job) => longJob(job, view)),
      '',
    )}</ul>`,
  );
}

function longJob(watched: WatchedJob, { locale, may, now, say }: View): Html {
  const { job, pausedBy, progress } = watched;
  const isOver = job.state === 'completed' || job.state === 'failed';
  const said = stateOf(job, progress);
  const bar = progress
    ? html`<progress max="${Math.max(1, progress.total)}" value="${progress.total === 0 ? 1 : progress.processed}" aria-label="${job.task}"></progress>
<span class="muted">${numberText(progress.processed, locale)} ${say('of')} ${numberText(progress.total, locale)}${progress.failed > 0 ? html` · <span class="bad">${numberText(progress.failed, locale)} ${say('failedItems')}</span>` : ''}</span>`
    : '';
  const control = said === 'paused' ? 'resume' : 'pause';
  const pause =
    isOver || pausedBy === undefined || !may('admin')
      ? ''
      : action(`${control}-${job.id}`, {
          label: say(control),
          about: job.task,
          method: 'POST',
          url: `/api/v1/tasks/${pausedBy}`,
          body: { broadcast_id: job.id, action: control },
          ask: say(control === 'pause' ? 'confirmPause' : 'confirmResume'),
          done: say('told'),
        });
  const cancel =
    isOver || !may('admin')
      ? ''
      : action(`cancel-${job.id}`, {
          label: say('cancel'),
          about: job.task,
          method: 'DELETE',
          url: `/api/v1/jobs/${encodeURIComponent(job.id)}`,
          ask: say('cancelJob'),
          done: say('cancelled'),
          tone: 'bad',
        });
  return html`<li class="row job" id="job-${job.id}"><span class="grow"><strong>${nameOf(progress?.operation ?? job.task, say)}</strong> ${badge(JOB_TONES[said], say(`job.${said}`))}
<span class="muted">${moment(job.createdAt.toISOString(), now, locale, say)} · ${say('by')} ${job.initiatedBy}</span>
<span class="progress">${bar}</span>${job.error && job.state === 'failed' ? html`<span class="muted reason">${job.error}</span>` : ''}</span>
<span class="actions">${pause}${cancel}${may('admin') ? download(watched, say) : ''}</span></li>`;
}

function nameOf(operation: string, say: View['say']): string {
  const word = `operation.${operation}`;
  return isWord(word) ? say(word) : operation;
}

/** A finished export can be downloaded with the current session. */
function download({ isExport, job: { result, state } }: WatchedJob, say: View['say']): Html | string {
  const { export_id: id } = (result ?? {}) as { export_id?: unknown };
  if (!isExport || state !== 'completed' || typeof id !== 'string') return '';
  return html`<a class="button" href="/api/v1/exports/${encodeURIComponent(id)}" download>${say('download')}</a>`;
}

/** A broadcast waits between looks at its rows; that is not a pause. */
function stateOf({ state }: WatchedJob['job'], progress: WatchedJob['progress']): keyof typeof JOB_TONES {
  if (progress?.status === 'paused' || progress?.status === 'cancelled') return progress.status;
  return progress?.status === 'running' && state === 'delayed' ? 'active' : state;
}

export function deadLetterList(letters: readonly DeadLetter[] | undefined, { locale, may, now, say }: View): Html {
  if (!letters) return live('dead-letters', say('deadLetters'), nothing(say('unknown')));
  if (letters.length === 0) return live('dead-letters', say('deadLetters'), nothing(say('noDeadLetters')));
  const items = letters.map((letter) => {
    const { attempts, failed_at, id, kind, reason, task } = letter;
    const about = kind === 'message' ? say('message') : howMany(attempts ?? 0, 'attempt', locale);
    const replay = action(`replay-${id}`, {
      label: say('replay'),
      about: task,
      method: 'POST',
      url: `/api/v1/dead-letters/${encodeURIComponent(id)}/replay`,
      ask: say('confirmReplay', task),
      done: say('replayed'),
    });
    return html`<li class="row" id="letter-${id}"><span class="grow"><strong>${task || '?'}</strong> <span class="muted">${about} · ${moment(failed_at, now, locale, say)}</span>
<span class="reason">${reason}</span>
${may('admin') ? html`<details id="inspect-${id}" data-load="/dead-letters/${id}"><summary>${say('inspect')}</summary><div data-keep></div></details>` : ''}</span>
<span class="actions">${may('admin') ? replay : ''}</span></li>`;
  });
  return live('dead-letters', say('deadLetters'), html`<ul class="list">${join(items, '')}</ul>`);
}

/** Intervals in words; a cron pattern as it is. */
function pattern(schedule: string, { locale, say }: View): Html | string {
  const [, seconds] = /^every ([\d.]+) s$/.exec(schedule) ?? [];
  return seconds === undefined
    ? html`<code>${schedule}</code>`
    : say('every', durationText(Number(seconds) * 1000, locale));
}

function coming(isEnabled: boolean, next: string | null, { locale, now, say }: View): Html {
  if (!isEnabled) return badge('calm', say('off'));
  return next ? moment(next, now, locale, say) : html`<span class="bad">${say('notRegistered')}</span>`;
}

export function scheduleTable(schedules: readonly Schedule[] | undefined, view: View): Html {
  const { locale, may, now, say } = view;
  if (!schedules) return live('schedules', say('schedules'), nothing(say('unknown')));
  const rows = schedules.map(({ enabled, last_run: last, next_run: next, schedule, summary, task }) => {
    const run = action(`run-${task}`, {
      label: say('runNow'),
      about: task,
      method: 'POST',
      url: `/api/v1/schedules/${task}/run`,
      ask: say('confirmRun', task),
      done: say('started'),
    });
    return html`<tr id="schedule-${task}"><th scope="row"><code>${task}</code><span class="muted summary">${summary}</span></th>
<td data-label="${say('schedule')}">${pattern(schedule, view)}</td>
<td data-label="${say('lastRun')}">${last ? html`${badge(last.ok ? 'good' : 'bad', '')}<span class="hidden">${say(last.ok ? 'job.completed' : 'job.failed')}</span> ${moment(last.at, now, locale, say)}${last.error ? html`<span class="muted reason">${last.error}</span>` : ''}` : html`<span class="muted">${say('never')}</span>`}</td>
<td data-label="${say('nextRun')}">${coming(enabled, next, view)}</td>
<td class="actions">${enabled && may('admin') ? run : ''}</td></tr>`;
  });
  return live(
    'schedules',
    say('schedules'),
    html`<table class="stack"><thead><tr><th scope="col">${say('task')}</th><th scope="col">${say('schedule')}</th><th scope="col">${say('lastRun')}</th><th scope="col">${say('nextRun')}</th><th></th></tr></thead><tbody>${join(rows, '')}</tbody></table>`,
  );
}

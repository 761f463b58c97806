import { type Html, html, join } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import type { JobView } from '../../../../runtime/jobs.ts';
import { ProgressBody } from '../../api/schemas.ts';
import type { HttpContext } from '../../context.ts';
import { personOf } from '../components/people.ts';
import { emptyState, progressBar, stateBadge } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import type { Page } from '../define-view.ts';
import { isNowWord, type NowWord } from './words.ts';

type Progress = ReturnType<typeof ProgressBody.parse>;

/** A long job with how far it has come. */
export type WatchedJob = {
  job: JobView;
  progress: Progress | undefined;
  canPause: boolean;
  isExport: boolean;
  isPlanned: boolean;
};

export async function watchedJobs({ buttons, jobs, progress }: HttpContext): Promise<readonly WatchedJob[]> {
  return await Promise.all(
    (await jobs.watched()).map(async (job) => ({
      job,
      progress: ProgressBody.safeParse(await progress.find(job.progressId)).data,
      canPause: job.task === buttons.pauses.name || job.task === buttons.sends.name,
      isPlanned: job.task === buttons.sends.name,
      isExport: job.task === buttons.downloads.name,
    })),
  );
}

const TONES = {
  waiting: 'calm',
  delayed: 'calm',
  active: 'good',
  completed: 'good',
  failed: 'bad',
  paused: 'warn',
  cancelled: 'warn',
} as const;

export function drawRunning(jobs: readonly WatchedJob[], page: Page<NowWord>): Html {
  if (jobs.length === 0) return emptyState(page.say('nothingRuns'));
  return html`<ul class="list">${join(
    jobs.map((job) => drawJob(job, page)),
    '',
  )}</ul>`;
}

function drawJob(watched: WatchedJob, page: Page<NowWord>): Html {
  const { job, progress } = watched;
  const { form, locale, say } = page;
  const name = jobName(watched, page);
  const state = stateOf(watched);
  const isOver = job.state === 'completed' || job.state === 'failed' || state === 'cancelled';
  const failed =
    progress && progress.failed > 0
      ? html` <span class="bad">${say('failedItems', numberText(progress.failed, locale))}</span>`
      : '';
  const control = state === 'paused' ? 'resume' : 'pause';
  const sent = { key: job.id, hidden: { id: job.id }, about: name };
  const controls = isOver ? '' : html`${watched.canPause ? form(control, sent) : ''}${form('cancel', sent)}`;
  return html`<li id="job-${job.id}"><span class="grow"><strong>${watched.isPlanned && page.may('admin') ? html`<a href="/broadcasts/${job.id}">${name}</a>` : name}</strong> ${stateBadge(TONES[state], say(`job.${state}`))} <span class="muted">${timeAgo(job.createdAt, page)} · ${say('by')} ${personOf(job.initiatedBy)}</span>${progress ? html`<br>${progressBar(progress.processed, progress.total, name, page)}${failed}` : ''}${job.error && job.state === 'failed' ? html`<span class="muted about">${job.error}</span>` : ''}</span><span class="actions">${controls}${download(watched, page)}</span></li>`;
}

export function jobName({ job, progress }: Pick<WatchedJob, 'job' | 'progress'>, { say }: Page<NowWord>): string {
  const word = `operation.${progress?.operation}`;
  return isNowWord(word) ? say(word) : job.task;
}

/** A finished export can be downloaded with the current session. */
function download({ isExport, job: { result, state } }: WatchedJob, { may, say }: Page<NowWord>): Html | string {
  const { export_id: id } = (result ?? {}) as { export_id?: unknown };
  if (!isExport || state !== 'completed' || typeof id !== 'string' || !may('admin')) return '';
  return html`<a class="button" href="/api/v1/exports/${encodeURIComponent(id)}" download>${say('download')}</a>`;
}

/** A broadcast waits between looks at its rows; that is not a pause. */
function stateOf({ job, progress }: WatchedJob): keyof typeof TONES {
  if (progress?.status === 'paused' || progress?.status === 'cancelled') return progress.status;
  return progress?.status === 'running' && job.state === 'delayed' ? 'active' : job.state;
}

import type { JobView } from '../../../runtime/jobs.ts';
import { deadLetters } from '../api/dead-letters.ts';
import { type Overview, overview } from '../api/overview.ts';
import { scheduleBodies } from '../api/schedules.ts';
import { ProgressBody } from '../api/schemas.ts';
import type { HeldBrake, HttpContext } from '../context.ts';

type Progress = ReturnType<typeof ProgressBody.parse>;

export type WatchedJob = {
  job: JobView;
  progress: Progress | undefined;
  /** The task that pauses and resumes it; undefined where it cannot be paused. */
  pausedBy: string | undefined;
  /** The task ends with a file. */
  isExport: boolean;
};

/** The data of the page. A part that cannot be read now is undefined: unknown, not empty. */
export type PageData = {
  state: Overview | undefined;
  brakes: readonly HeldBrake[] | undefined;
  jobs: readonly WatchedJob[] | undefined;
  letters: Awaited<ReturnType<typeof deadLetters>> | undefined;
  schedules: Awaited<ReturnType<typeof scheduleBodies>> | undefined;
};

const LETTERS = 50;

/** Reads everything at once; never throws. */
export async function pageData(context: HttpContext): Promise<PageData> {
  const known = async <T>(part: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (err) {
      context.log.warn({ err, part }, 'part of the operations page cannot be read');
      return undefined;
    }
  };
  const [state, brakes, jobs, letters, schedules] = await Promise.all([
    known('state', () => overview(context)),
    known('brakes', () => context.brakes.list()),
    known('jobs', () => watchedJobs(context)),
    known('dead letters', () => deadLetters(context, LETTERS)),
    known('schedules', () => scheduleBodies(context)),
  ]);
  return { state, brakes, jobs, letters, schedules };
}

async function watchedJobs({ buttons, jobs, progress }: HttpContext): Promise<WatchedJob[]> {
  const watched = await jobs.watched();
  return await Promise.all(
    watched.map(async (job) => ({
      job,
      progress: ProgressBody.safeParse(await progress.find(job.progressId)).data,
      pausedBy: job.task === buttons.pauses.name ? buttons.pausesBy.name : undefined,
      isExport: job.task === buttons.downloads.name,
    })),
  );
}

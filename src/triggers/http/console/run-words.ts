import type { RunOutcome } from '../../../repositories/history/run-rows.ts';
import type { JobState } from '../../../runtime/jobs.ts';
import type { Tone } from './components/states.ts';
import type { Text } from './define-view.ts';

export const OUTCOME_TEXTS: Readonly<Record<RunOutcome, Text>> = {
  success: { en: 'done', ru: 'готово' },
  retry: { en: 'failed, tried again', ru: 'ошибка, повтор' },
  error: { en: 'failed for good', ru: 'окончательная ошибка' },
  cancelled: { en: 'cancelled', ru: 'отменено' },
};

export const OUTCOME_TONES: Readonly<Record<RunOutcome, Tone>> = {
  success: 'good',
  retry: 'warn',
  error: 'bad',
  cancelled: 'calm',
};

export const JOB_STATE_TEXTS: Readonly<Record<JobState, Text>> = {
  waiting: { en: 'waits', ru: 'ждёт' },
  delayed: { en: 'waits for its time', ru: 'ждёт своего времени' },
  active: { en: 'runs', ru: 'выполняется' },
  completed: { en: 'done', ru: 'готово' },
  failed: { en: 'failed for good', ru: 'окончательная ошибка' },
};

export const JOB_STATE_TONES: Readonly<Record<JobState, Tone>> = {
  waiting: 'warn',
  delayed: 'calm',
  active: 'warn',
  completed: 'good',
  failed: 'bad',
};

import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import { type DoctorContext, type ExaminedAt, examined, type RememberedFindings } from '../../triggers/examination.ts';

/** Somebody who mends what was found sees it within this, and a page that is opened often asks the neighbours no more often. */
const KEPT_MS = seconds(10);
/** A page waits no longer for findings: the promise of a whole view is 0.3 s. */
const PATIENCE_MS = 150;

/** The findings of the doctor for a page: those of the last seconds where there are some, and never waited for for long. Never rejects. */
export function rememberFindings({ examinations, patient }: DoctorContext, clock: () => Date): RememberedFindings {
  let last: (ExaminedAt & { until: number }) | undefined;
  let examining: Promise<ExaminedAt> | undefined;
  const begin = (): Promise<ExaminedAt> => {
    examining ??= Promise.all(examinations().map(examined))
      .then((found) => {
        last = { at: clock(), found, until: performance.now() + KEPT_MS };
        return last;
      })
      .finally(() => {
        examining = undefined;
      });
    return examining;
  };
  return {
    patient,
    async latest() {
      if (last && performance.now() < last.until) return last;
      return await Promise.race([begin(), delay(PATIENCE_MS, last)]);
    },
  };
}

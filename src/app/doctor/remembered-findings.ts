import { setTimeout as delay } from 'node:timers/promises';
import { seconds } from '../../lib/duration.ts';
import { type DoctorContext, type ExaminedAt, examined, type RememberedFindings } from '../../triggers/examination.ts';

/** Somebody who mends what was found sees it within this, and a page that is opened often asks the neighbours no more often. */
const KEPT_MS = seconds(10);
/** A page waits no longer for findings: the promise of a whole view is 0.3 s. */
const PATIENCE_MS = 150;

/** The findings of the doctor for a page: those of the last seconds where there are some, and never waited for for long. Never rejects. */
export function rememberFindings({ examinations, patient }: DoctorContext, clock: () => Date): RememberedFindings {
  let last: ExaminedAt | undefined;
  let keptUntil = 0;
  let examining: Promise<ExaminedAt> | undefined;
  const examineAll = async (): Promise<ExaminedAt> => {
    const found = await Promise.all(examinations().map((one) => examined(one)));
    last = { at: clock(), found };
    keptUntil = performance.now() + KEPT_MS;
    examining = undefined;
    return last;
  };
  const isKept = (): boolean => performance.now() < keptUntil;
  return {
    patient,
    async latest() {
      if (!isKept()) {
        examining ??= examineAll();
        await Promise.race([examining, delay(PATIENCE_MS)]);
      }
      return { last, isUnderWay: examining !== undefined };
    },
    async whole() {
      if (last && isKept()) return last;
      examining ??= examineAll();
      return await examining;
    },
  };
}

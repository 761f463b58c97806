import type { ErrorReports } from '../observability/error-reports.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Tracing } from '../observability/tracing.ts';
import type { Middleware } from '../runtime/compose.ts';
import { confirmEnd } from '../runtime/middleware/confirm-end.ts';
import { endCancelled } from '../runtime/middleware/end-cancelled.ts';
import { giveUp } from '../runtime/middleware/give-up.ts';
import { guardPoison } from '../runtime/middleware/guard-poison.ts';
import { handleExhausted, type TaskAlert } from '../runtime/middleware/handle-exhausted.ts';
import { limitTime } from '../runtime/middleware/limit-time.ts';
import { logAndMeasure } from '../runtime/middleware/log-and-measure.ts';
import { outliveOutages } from '../runtime/middleware/outlive-outages.ts';
import { parse } from '../runtime/middleware/parse-payload.ts';
import { type AttemptListener, recordRun } from '../runtime/middleware/record-run.ts';
import { reportErrors } from '../runtime/middleware/report-errors.ts';
import { type OutcomeListener, reportOutcome } from '../runtime/middleware/report-outcome.ts';
import { traceRun } from '../runtime/middleware/trace-run.ts';

/** The parts that the layers are made from. */
export type OnionParts = {
  /** Tells the admins that a task has given up. */
  alert: TaskAlert;
  /** For tests: how long work may go on after it was told to end, or not move. */
  giveUpAfterMs?: number;
  /** Undefined where errors are not reported to a tracker. */
  errorReports: ErrorReports | undefined;
  /** Called with how each job ended. */
  listener: OutcomeListener;
  metrics: Metrics;
  /** Notes every attempt that ended. Undefined where nobody wants to know. */
  note: AttemptListener | undefined;
  services: object;
  /** Undefined where traces are off. */
  tracing: Tracing | undefined;
};

type Layer = {
  name: string;
  /** The effect of the layer on a run, in one line. The picture in docs/architecture.md is made from it. */
  does: string;
  /** Undefined where the part that it needs is switched off. */
  make(parts: OnionParts): Middleware | undefined;
};

/** The layers around every run, outermost first: each sees the run before those below it, and its outcome after them. */
export const ONION: readonly Layer[] = [
  {
    name: 'trace',
    does: 'one span for the attempt, below the span that added the job',
    make: ({ tracing }) => tracing && traceRun(tracing),
  },
  {
    name: 'outcome',
    does: 'tells the producer, and the figures, how the job ended',
    make: ({ listener }) => reportOutcome(listener),
  },
  {
    name: 'history',
    does: 'notes every attempt that ended, for the history',
    make: ({ note }) => note && recordRun(note),
  },
  {
    name: 'log and metrics',
    does: 'one line and one measurement for every attempt',
    make: ({ metrics }) => logAndMeasure(metrics),
  },
  {
    name: 'error reports',
    does: 'reports a job that has failed permanently to the error tracker',
    make: ({ errorReports, tracing }) => errorReports && reportErrors(errorReports, tracing),
  },
  {
    name: 'exhausted',
    does: 'does what the task declared for the end of its retries',
    make: ({ alert, services }) => handleExhausted(services, alert),
  },
  { name: 'fence', does: 'lets no end pass that Redis does not confirm to be of this run', make: () => confirmEnd },
  { name: 'poison guard', does: 'ends a job that was started 10 times without an outcome', make: () => guardPoison },
  {
    name: 'watch',
    does: 'gives up what does not end when it is told to, and long work that does not move',
    make: ({ giveUpAfterMs, metrics }) => giveUp(metrics, giveUpAfterMs),
  },
  { name: 'cancellation', does: 'ends a cancelled job that asks to be run again', make: () => endCancelled },
  { name: 'outages', does: 'puts the job off while PostgreSQL or Redis is away', make: () => outliveOutages },
  { name: 'time limit', does: 'fires the signal when the attempt has had its time', make: () => limitTime },
  { name: 'payload', does: 'parses the payload once more: the job may be older than the code', make: () => parse },
];

/** The layers that are switched on, outermost first. */
export const layersFrom = (parts: OnionParts): readonly Middleware[] => ONION.flatMap(({ make }) => make(parts) ?? []);

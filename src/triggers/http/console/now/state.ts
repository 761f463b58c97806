import { deadLetterTotal } from '../../../../lib/figure-definitions.ts';
import type { Locale } from '../../../../lib/locale.ts';
import type { DeskLine } from '../../../payment-desk.ts';
import type { HttpContext } from '../../context.ts';

/** What the first view judges by. A source that does not answer is undefined: unknown, not empty. */
export type NowState = {
  nodes: Awaited<ReturnType<HttpContext['state']['nodes']>> | undefined;
  services: Awaited<ReturnType<HttpContext['state']['services']>> | undefined;
  alerts: Awaited<ReturnType<HttpContext['state']['alerts']>> | undefined;
  queues: Awaited<ReturnType<HttpContext['state']['queues']>>;
  deliveries: Awaited<ReturnType<HttpContext['state']['deliveries']>> | undefined;
  payments: { payments: readonly DeskLine[]; more: boolean } | undefined;
  dead: { total: number } | undefined;
  /** Tasks whose schedules are paused. */
  paused: readonly string[] | undefined;
};

/** So many payments of the desk are named; the others are counted as more. */
const PAYMENTS_SHOWN = 5;
const HOUR_MINUTES = 60;

export async function nowState(context: HttpContext, locale: Locale): Promise<NowState> {
  const { state } = context;
  const [nodes, services, alerts, queues, deliveries, payments, dead, paused] = await Promise.all([
    known(state.nodes()),
    known(state.services()),
    known(state.alerts()),
    known(state.queues()),
    known(state.deliveries(HOUR_MINUTES)),
    known(waitingPayments(context, locale)),
    known(deadCount(context)),
    known(context.pausedSchedules.all().then((marks) => [...marks.keys()].sort((a, b) => (a < b ? -1 : 1)))),
  ]);
  return { nodes, services, alerts, queues, deliveries, payments, dead, paused };
}

export async function waitingPayments(
  { waitingPayments: read }: Pick<HttpContext, 'waitingPayments'>,
  locale: Locale,
): Promise<NonNullable<NowState['payments']>> {
  const { payments } = await read(locale);
  return { payments: payments.slice(0, PAYMENTS_SHOWN), more: payments.length > PAYMENTS_SHOWN };
}

async function deadCount({ deadJobs, deadMessages }: HttpContext): Promise<{ total: number }> {
  const [jobs, messages] = await Promise.all([deadJobs.count(), deadMessages.count()]);
  return { total: deadLetterTotal({ jobs, messages }) };
}

const known = async <T>(read: Promise<T>): Promise<T | undefined> => await read.catch(() => undefined);

import { deliveriesFail, deliverySuccess, deliveryTotals, NORMAL } from '../../../../lib/figure-definitions.ts';
import { numberText, percentText } from '../../../../lib/quantities.ts';
import type { Tone } from '../components/states.ts';
import type { Page } from '../define-view.ts';
import type { NowState } from './state.ts';
import type { NowWord } from './words.ts';

/** One promise of the service, as it stands. */
export type Verdict = { tone: Tone; promise: string; why: string; href?: string };

/** A node that was not looked at for longer than this is shown as unknown. */
const STALE_MS = 300_000;

/** The promises in the order of what hurts customers most. What cannot be read is unknown, which is amber, never green. */
export function verdictsOf(state: NowState, page: Page<NowWord>): readonly Verdict[] {
  const { say } = page;
  const verdict = <T>(
    promise: NowWord,
    known: T | undefined,
    judge: (value: T) => Omit<Verdict, 'promise'>,
  ): Verdict => ({
    promise: say(promise),
    ...(known === undefined ? { tone: 'warn' as const, why: say('unknown') } : judge(known)),
  });
  return [
    verdict('promiseNodes', state.nodes, (nodes) => nodesVerdict(nodes, page)),
    verdict('promiseMessages', state.deliveries, (minutes) => messagesVerdict(minutes, page)),
    verdict('promisePayments', state.payments, ({ more, payments }) =>
      payments.length === 0
        ? { tone: 'good', why: say('noPayments') }
        : { tone: 'bad', why: say('paymentsWait', `${payments.length}${more ? '+' : ''}`), href: '/#decisions' },
    ),
    verdict('promiseServices', state.services, (services) => {
      const bad = services.filter(({ status }) => status !== 'up').map(({ name }) => name);
      if (bad.length > 0) return { tone: 'bad', why: say('servicesDown', bad.join(', ')), href: '/system' };
      return services.length === 0
        ? { tone: 'warn', why: say('notChecked') }
        : { tone: 'good', why: say('servicesUp') };
    }),
    verdict('promiseTasks', state.alerts && state.dead && state.paused, () => tasksVerdict(state, page)),
    verdict('promiseQueues', state.queues, (snapshot) => {
      const waiting = Object.values(snapshot.queues).reduce((sum, depth) => sum + depth.waiting, 0);
      const isLong = state.alerts?.some(({ kind }) => kind === 'queue_depth') ?? false;
      const why = say(
        'queuesWait',
        numberText(waiting, page.locale),
        numberText(snapshot.notifications?.due ?? 0, page.locale),
      );
      return { tone: isLong ? 'bad' : 'good', why, href: '/system' };
    }),
  ];
}

function nodesVerdict(
  nodes: NonNullable<NowState['nodes']>,
  { locale, now, say }: Page<NowWord>,
): Omit<Verdict, 'promise'> {
  const named = (list: typeof nodes): string => list.map(({ name }) => name).join(', ');
  const down = nodes.filter(({ status }) => status === 'offline');
  const unsure = nodes.filter(({ checkedAt, status }) => status === 'warning' || isStale(checkedAt, now));
  if (down.length > 0) return { tone: 'bad', why: say('nodesDown', named(down)) };
  if (nodes.length === 0) return { tone: 'warn', why: say('noNodes') };
  if (unsure.length > 0) return { tone: 'warn', why: say('nodesUnsure', named(unsure)) };
  return { tone: 'good', why: say('nodesUp', numberText(nodes.length, locale)) };
}

export const isStale = (checkedAt: Date, now: Date): boolean => now.getTime() - checkedAt.getTime() > STALE_MS;

function messagesVerdict(
  minutes: NonNullable<NowState['deliveries']>,
  { locale, say }: Page<NowWord>,
): Omit<Verdict, 'promise'> {
  const totals = deliveryTotals(minutes);
  const success = deliverySuccess(totals);
  if (success === null) return { tone: 'good', why: say('nothingSent') };
  const why = say('arrived', percentText(success * 100, locale), percentText(NORMAL.deliverySuccess * 100, locale));
  if (deliveriesFail(totals)) return { tone: 'bad', why };
  return { tone: success < NORMAL.deliverySuccess ? 'warn' : 'good', why };
}

function tasksVerdict(
  { alerts = [], dead, paused = [] }: NowState,
  { locale, say }: Page<NowWord>,
): Omit<Verdict, 'promise'> {
  const isLate = alerts.some(({ kind }) => kind === 'schedule_overdue');
  const fail = alerts.some(({ kind }) => kind === 'task_errors');
  if (fail) return { tone: 'bad', why: say('tasksFail') };
  if (isLate) return { tone: 'bad', why: say('schedulesLate') };
  if (paused.length > 0) return { tone: 'warn', why: say('schedulesPaused', paused.join(', ')), href: '/tasks' };
  const total = dead?.total ?? 0;
  return total > 0
    ? { tone: 'warn', why: say('deadLetters', numberText(total, locale)), href: '/#decisions' }
    : { tone: 'good', why: say('tasksWell') };
}

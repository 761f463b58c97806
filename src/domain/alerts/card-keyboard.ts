import { type CardAct, tapData } from '../../lib/card-act.ts';
import type { RowsOfButtons, TelegramButton } from '../../lib/telegram-button.ts';
import { buttonLabel } from '../../messages/alert-cards.ts';
import type { AlertCard, AlertDecision, AlertFacts } from '../../repositories/redis/alerts/alert-cards.ts';
import { APPROVAL_ALERT } from './approval-alert.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
export const BACKLOG_ALERT = 'notification_backlog';
/** A message about more than this many payments or jobs leads to their list instead. */
const OWN_BUTTONS = 6;

/** Answers of one group exclude each other. */
export const groupOf = (act: CardAct): string => (act === 'go' || act === 'no' ? 'held' : act);

/** What can be answered to one alert, by its kind and subject. */
export function actsOf({ job, kind, lasts, subject }: AlertFacts): CardAct[] {
  if (kind === APPROVAL_ALERT) return ['go', 'no'];
  const acts: CardAct[] = ['ack'];
  if (lasts) acts.push('mute1', 'mute8');
  if (kind.startsWith('brake_') || kind === BACKLOG_ALERT) acts.push('go', 'no');
  if (kind.startsWith('payment_') && !lasts && UUID.test(subject)) acts.push('check');
  if (job !== undefined) acts.push('replay');
  return acts;
}

/** How an act is named: what is held of old notifications is sent or dropped, not run, and a second person says yes or no. */
export function wordOf(act: CardAct, { kind }: AlertFacts): CardAct | 'send' | 'drop' | 'approve' | 'refuse' {
  if (kind === APPROVAL_ALERT) return act === 'go' ? 'approve' : act === 'no' ? 'refuse' : act;
  if (kind !== BACKLOG_ALERT) return act;
  return act === 'go' ? 'send' : act === 'no' ? 'drop' : act;
}

/** The page of an alert. */
function pageOf({ alert, job, kind, lasts, subject }: AlertFacts): string {
  if (job !== undefined) return `/jobs/${encodeURIComponent(job)}`;
  if (kind.startsWith('payment_') && !lasts && UUID.test(subject)) return `/payments/${subject}`;
  if (kind.startsWith('node_')) return `/nodes/${encodeURIComponent(alert.slice(alert.indexOf(':') + 1))}`;
  if (kind === APPROVAL_ALERT) return '/approvals';
  return kind.startsWith('brake_') || kind === BACKLOG_ALERT ? '/' : '/alerts';
}

/** Telegram opens no link to a host without a dot, such as `localhost`. */
function opens(publicUrl: string): boolean {
  const { hostname } = new URL(publicUrl);
  return hostname.includes('.') || hostname.startsWith('[');
}

export type CardState = {
  card: string;
  /** The decisions about each alert of the card, by group, in the order of its alerts. */
  decided: readonly ReadonlyMap<string, AlertDecision>[];
  publicUrl: string | undefined;
};

/** The buttons of a card: what can still be answered, and the page. Those of one payment or job have a row of their own where there are several. */
export function keyboardOfCard({ alerts, locale }: AlertCard, { card, decided, publicUrl }: CardState): RowsOfButtons {
  const open = alerts.map((facts, i) => actsOf(facts).filter((act) => !isAnswered(act, decided[i])));
  const isOne = alerts.length === 1;
  const common = (act: CardAct): TelegramButton[] => {
    const first = open.findIndex((acts) => acts.includes(act));
    if (first < 0) return [];
    return [{ text: buttonLabel(wordOf(act, alerts[first]!), locale), data: tapData({ act, card, index: undefined }) }];
  };
  const own = alerts.flatMap((facts, index) =>
    (['check', 'replay'] as const)
      .filter((act) => open[index]!.includes(act))
      .map((act): TelegramButton => {
        const which = isOne ? undefined : (act === 'check' ? facts.subject : facts.job!).slice(0, 8);
        return { text: buttonLabel(act, locale, which), data: tapData({ act, card, index }) };
      }),
  );
  const page = isOne
    ? pageOf(alerts[0]!)
    : alerts.every(({ kind }) => kind.startsWith('payment_'))
      ? '/payments'
      : '/alerts';
  const rows = [
    [...common('go'), ...common('no')],
    [...common('ack'), ...common('mute1'), ...common('mute8')],
    ...own.slice(0, OWN_BUTTONS).map((button) => [button]),
    publicUrl !== undefined && opens(publicUrl)
      ? [{ text: buttonLabel('open', locale), url: `${publicUrl}${page}` }]
      : [],
  ];
  return rows.filter((row) => row.length > 0);
}

/** A longer mute is offered after a shorter one; a check can be asked for again. */
function isAnswered(act: CardAct, decided: ReadonlyMap<string, AlertDecision> | undefined): boolean {
  if (act === 'check') return false;
  return decided?.has(groupOf(act)) === true || (act === 'mute1' && decided?.has('mute8') === true);
}

import { plainText } from '../../lib/telegram-html.ts';
import type { AlertNote, AnswerNote, IncidentNote } from '../../repositories/history/incidents.ts';
import type { ActiveAlert, StoredCondition } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { Alert } from '../alerts/alert.ts';

/** Takes notes of alerts and returns at once. */
export type AlertHistory = {
  alert(note: AlertNote): void;
  answer(note: AnswerNote): void;
  incident(note: IncidentNote): void;
};

/** The first part of an alert's id, where it tells an outage. */
const INCIDENTS: Readonly<Record<string, IncidentNote['kind']>> = { node_offline: 'node', service_down: 'service' };

/** Notes that this is on. `text` is as the admins read it. */
export function noteBegan(
  history: AlertHistory,
  condition: StoredCondition,
  { text, toldAt }: { text: string; toldAt: Date | undefined },
): void {
  history.alert({ ...aboutLasting(condition), text: plainText(text), toldAt });
  noteIncident(history, condition, undefined);
}

/** Notes that this is over. It is noted whole: its beginning may have been lost. */
export function noteEnded(history: AlertHistory, alert: ActiveAlert & { endedAt: Date }): void {
  history.alert({ ...aboutLasting(alert), endedAt: alert.endedAt });
  noteIncident(history, alert, alert.endedAt);
}

/** Notes what happened once. An alert that is told once within a time is noted once within it. */
export function noteRaised(history: AlertHistory, alert: Alert, text: string, toldAt: Date | undefined): void {
  const { at, kind, onceWithinMs, severity, subject } = alert;
  history.alert({
    ...{ kind, subject, toldAt },
    alert: `${kind}:${subject}`,
    severity: severity === 'critical' || severity === 'warning' ? severity : 'info',
    lasts: false,
    beganAt: at,
    endedAt: at,
    text: plainText(text),
    ...(onceWithinMs !== undefined && { slot: Math.floor(at.getTime() / onceWithinMs) }),
  });
}

const aboutLasting = ({ id, kind, severity, since, subject }: StoredCondition): AlertNote => ({
  alert: id,
  ...{ kind, severity, subject },
  lasts: true,
  beganAt: since,
});

function noteIncident(history: AlertHistory, condition: StoredCondition, endedAt: Date | undefined): void {
  const { id, reason, since, subject: name, usersAffected } = condition;
  const [first = '', ...rest] = id.split(':');
  const kind = INCIDENTS[first];
  if (kind)
    history.incident({
      alert: id,
      kind,
      subject: rest.join(':'),
      name,
      beganAt: since,
      endedAt,
      reason,
      usersAffected,
    });
}

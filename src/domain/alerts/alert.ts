import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import type { Severity } from '../../messages/alerts.ts';
import type { AlertKind } from '../../messages/runbooks/find-runbook.ts';

/** Something that happened once and that the admins must hear of. */
export type Alert = {
  /** The cause: `payment_unresolved`. Those of one kind that wait together leave as one message. At most 44 characters, of few values. */
  kind: AlertKind;
  /** The subject, the same every time: a payment's id. Only alerts about the same subject are held back as repetitions. */
  subject: string;
  severity: Severity;
  /** When that happened what it tells. */
  at: Date;
  message: (locale: Locale) => Html;
  /** An alert that is found again and again is told again only after this. */
  onceWithinMs?: number;
  /** The job that failed, where it tells of one: a button replays it. */
  job?: string;
  /** The admins who are told, where not all are. */
  only?: readonly number[];
};

/** The beginning of something that lasts: `at` and `subject` say which one, so that raising it again tells nobody twice. */
export type AlertBegin = Omit<Alert, 'job' | 'kind' | 'onceWithinMs' | 'only'> & {
  kind: string;
  /** The admins who are told first. */
  to: readonly number[];
};

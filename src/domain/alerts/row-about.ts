import type { ActiveAlert } from '../../repositories/redis/alerts/alert-state-store.ts';
import type { AlertBegin } from './alert.ts';

/** What the id of an alert's row follows from, less the phase. */
export const rowAbout = ({ at, kind, subject }: Pick<AlertBegin, 'at' | 'kind' | 'subject'>, telegramId: number) => ({
  subject: `${kind}:${subject}`,
  telegramId,
  at,
});

/** Rows of what lasts are about its id, those of what happened once about its subject. */
export const rowSubject = ({ id, lasts, subject }: ActiveAlert): string => (lasts ? id : subject);

import type { Locale } from '../../../lib/locale.ts';
import type { Text } from './define-view.ts';

/** What each kind of alert says of its subject, which stands in place of `%`. */
const ALERT_TEXTS: Readonly<Record<string, Text>> = {
  node_offline: { en: '% is offline', ru: '%: узел недоступен' },
  node_unstable: { en: '% comes and goes', ru: '% то пропадает, то появляется' },
  service_down: { en: '% does not answer', ru: '% не отвечает' },
  task_errors: { en: '% fail too often', ru: '%: слишком много ошибок' },
  queue_depth: { en: 'the queue % grows too long', ru: 'очередь % слишком длинная' },
  payment_failures: { en: '% fail too often', ru: '%: слишком часто не проходят' },
  worker_memory: { en: '% uses too much memory', ru: '% занимает слишком много памяти' },
  prometheus: { en: '%', ru: '%' },
  approval_waits: { en: 'an act waits for a second person', ru: 'действие ждёт второго человека' },
  schedule_overdue: { en: '% has not run when it should', ru: '% не запустилась вовремя' },
};

/** An alert in a few words; a kind without words is shown as it is named. */
export function alertText(kind: string, subject: string, locale: Locale): string {
  const text = ALERT_TEXTS[kind.startsWith('service_down') ? 'service_down' : kind];
  return text ? text[locale].replace('%', subject) : `${subject}: ${kind}`;
}

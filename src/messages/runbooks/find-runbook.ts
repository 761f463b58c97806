import { type Html, html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { ALERTS_OF_MESSAGES } from './messages.ts';
import { ALERTS_OF_PAYMENTS } from './payments.ts';
import { RULES_OF_PROMISES } from './rules-of-promises.ts';
import { RULES_OF_SERVICES } from './rules-of-services.ts';
import { RULES_OF_WORKERS } from './rules-of-workers.ts';
import type { RuleTexts, Runbook } from './runbook.ts';
import { ALERTS_OF_SERVICES } from './services-and-nodes.ts';
import { ALERTS_OF_TASKS } from './tasks.ts';

/** The kind of every alert that Alertmanager hands in. */
export const HANDED_IN = 'prometheus';

/** Pages of alerts whose names go on with what they are about. */
const FAMILIES = ['service_down', 'unreadable', 'brake'] as const;
type Family = (typeof FAMILIES)[number];

const OF_THE_WORKER = { ...ALERTS_OF_SERVICES, ...ALERTS_OF_TASKS, ...ALERTS_OF_PAYMENTS, ...ALERTS_OF_MESSAGES };

/** Every kind of alert: one of the worker's without a page does not compile. */
export type AlertKind = Exclude<keyof typeof OF_THE_WORKER, Family> | `${Family}_${string}` | typeof HANDED_IN;

/** All pages by name, in the order of the documents. */
export const RUNBOOK_GROUPS: readonly {
  readonly title: Readonly<Record<Locale, string>>;
  readonly pages: Readonly<Record<string, Runbook>>;
}[] = [
  { title: { en: 'Services and nodes', ru: 'Сервисы и узлы' }, pages: ALERTS_OF_SERVICES },
  { title: { en: 'Tasks', ru: 'Задачи' }, pages: ALERTS_OF_TASKS },
  { title: { en: 'Payments', ru: 'Платежи' }, pages: ALERTS_OF_PAYMENTS },
  { title: { en: 'Messages, and what is held', ru: 'Сообщения и удержания' }, pages: ALERTS_OF_MESSAGES },
  { title: { en: 'Prometheus: workers and tasks', ru: 'Prometheus: воркеры и задачи' }, pages: RULES_OF_WORKERS },
  {
    title: { en: 'Prometheus: messages, nodes, payments', ru: 'Prometheus: сообщения, узлы, платежи' },
    pages: RULES_OF_PROMISES,
  },
  { title: { en: 'Prometheus: services', ru: 'Prometheus: сервисы' }, pages: RULES_OF_SERVICES },
];

const PAGES: ReadonlyMap<string, Runbook> = new Map(RUNBOOK_GROUPS.flatMap(({ pages }) => Object.entries(pages)));
const PAGE_OF_RULE: ReadonlyMap<string, string> = new Map(
  [...PAGES].flatMap(([page, { rules = {} }]) => Object.keys(rules).map((rule) => [rule, page] as const)),
);

/** By what its page is found: the kind, or the name of the rule of Prometheus, from an id such as `prometheus:NodeDown:5f0c`. */
export const runbookNameOf = ({ id, kind }: { kind: string; id?: string }): string =>
  kind === HANDED_IN ? (id?.split(':')[1] ?? '') : kind;

/** The page about an alert, by the kind of one of the worker's or the name of a rule of Prometheus. */
export function runbookOf(alert: string): { page: string; runbook: Runbook } | undefined {
  const family = FAMILIES.find((one) => alert.startsWith(`${one}_`));
  const page = PAGES.has(alert) ? alert : (PAGE_OF_RULE.get(alert) ?? family);
  return page === undefined ? undefined : { page, runbook: PAGES.get(page)! };
}

/** The texts of a rule of Prometheus in a language that the rule itself does not have. */
export const ruleTexts = (rule: string, locale: Locale): RuleTexts | undefined =>
  locale === 'en' ? undefined : runbookOf(rule)?.runbook.rules?.[rule];

/** What leads from an alert to its page. Undefined where it has none, and where nobody knows the console's address. */
export function runbookLink(alert: string, publicUrl: string | undefined, locale: Locale): Html | undefined {
  if (publicUrl === undefined || !runbookOf(alert)) return undefined;
  return html`<a href="${publicUrl}/runbooks/${encodeURIComponent(alert)}">${{ en: 'What to do', ru: 'Что делать' }[locale]}</a>`;
}

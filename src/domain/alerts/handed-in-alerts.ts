import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Html } from '../../lib/html.ts';
import type { Locale } from '../../lib/locale.ts';
import { type OnRead, readEach } from '../../lib/read-each.ts';
import { stableJson } from '../../lib/stable-json.ts';
import { foreignRunbook, handedIn, handedInOver, textOfRule } from '../../messages/handed-in.ts';
import { HANDED_IN, runbookOf } from '../../messages/runbooks/find-runbook.ts';
import type { AlertCondition, AlertStates, EndedAlert } from './alert-states.ts';
import { SAME_TROUBLE } from './same-trouble.ts';

/** Alertmanager writes few hundred characters; more is cut. */
const TEXT_CHARACTERS = 1_000;
const SUBJECT_CHARACTERS = 200;
/** So long an alert says nothing about who is told. */
const QUIET_SEVERITIES: ReadonlySet<string> = new Set(['none', 'info']);

const texts = z.record(z.string().max(200), z.string().max(20_000));

/** One alert of a webhook of Alertmanager (version 4). */
const Given = z.object({
  status: z.enum(['firing', 'resolved']),
  labels: texts.refine(({ alertname }) => alertname !== undefined && /^\w{1,100}$/.test(alertname), {
    error: 'must have an alertname',
  }),
  annotations: texts.default({}),
  startsAt: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  endsAt: z.iso.datetime({ offset: true }).transform((text) => new Date(text)),
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/)
    .optional(),
});
type Given = z.output<typeof Given>;

export type HandedInCounts = Record<'firing' | 'resolved' | 'left_out', number>;

/** Takes the alerts in that Alertmanager hands over: they have the same state as those of the worker, and one end. */
export class HandedInAlerts {
  readonly #states: AlertStates;
  readonly #locale: Locale;
  readonly #onRead: OnRead;

  constructor(states: AlertStates, locale: Locale, onRead: OnRead) {
    this.#states = states;
    this.#locale = locale;
    this.#onRead = onRead;
  }

  /** Repeating it changes nothing. One alert that cannot be read is left out, counted and told; the others are taken. */
  async take(given: readonly unknown[], now: Date): Promise<HandedInCounts> {
    const kind = { source: 'alertmanager', schema: Given, names: ['fingerprint', 'labels'] };
    const { holes, items } = readEach(given, kind, this.#onRead);
    const heard = items.filter(({ labels }) => !QUIET_SEVERITIES.has(labels.severity ?? ''));
    const firing = new Map(heard.filter(({ status }) => status === 'firing').map((one) => [idOf(one), one]));
    const resolved = heard.filter(({ status }) => status === 'resolved');
    await this.#states.begin(
      [...firing.values()].map((one) => conditionOf(one, this.#locale, now)),
      ({ id, severity, subject: summary }, locale) =>
        handedIn({ severity, summary, lines: linesOf(firing.get(id)!, locale) }, locale),
      now,
    );
    const over = resolved.map((one) => ({ id: idOf(one), at: earlier(one.endsAt, now) }));
    await this.#states.end(over, (ended: EndedAlert, locale) => handedInOver(ended, locale), now);
    return { firing: firing.size, resolved: resolved.length, left_out: holes.length };
  }
}

function conditionOf(given: Given, locale: Locale, now: Date): AlertCondition {
  const { labels, startsAt } = given;
  return {
    id: idOf(given),
    kind: HANDED_IN,
    severity: labels.severity === 'critical' ? 'critical' : 'warning',
    subject: (textIn(given, 'summary', locale) ?? labels.alertname!).slice(0, SUBJECT_CHARACTERS),
    since: earlier(startsAt, now),
    covers: SAME_TROUBLE[labels.alertname!]?.(labels),
  };
}

/** The same for the same labels. */
function idOf({ fingerprint, labels }: Given): string {
  const print = fingerprint ?? createHash('sha256').update(stableJson(labels)).digest('hex').slice(0, 16);
  return `prometheus:${labels.alertname}:${print}`;
}

function linesOf(given: Given, locale: Locale): (Html | string)[] {
  const lines = (['description', 'action'] as const).flatMap(
    (name) => textIn(given, name, locale)?.slice(0, TEXT_CHARACTERS) ?? [],
  );
  const link = runbookOf(given.labels.alertname!) ? undefined : foreignRunbook(given.annotations.runbook_url, locale);
  return link ? [...lines, link] : lines;
}

/** Its own text in that language, as `summary_ru`, else ours for a rule that we ship, else the text that it has. */
function textIn(
  { annotations, labels }: Given,
  name: 'summary' | 'description' | 'action',
  locale: Locale,
): string | undefined {
  const own = annotations[`${name}_${locale}`];
  const values = { ...labels, value: annotations.value };
  return own ?? textOfRule({ rule: labels.alertname!, name, values }, locale) ?? annotations[name];
}

/** A clock of another machine may be ahead. */
const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

import { deliveryTotals, troublesIn } from '../../../lib/figure-definitions.ts';
import { type Html, html, join } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { durationText, howMany, latencyText, numberText } from '../../../lib/quantities.ts';
import type { Overview } from '../api/overview.ts';
import type { HeldBrake } from '../context.ts';
import { deliveryChart, successText } from './chart.ts';
import { action, badge, live, nothing, type View } from './parts.ts';
import { moment } from './spans.ts';
import { isWord } from './texts.ts';

/** A record that was not refreshed for this long describes the past: checks are two minutes apart. */
const STALE_MS = 600_000;
const RECENT_MINUTES = 5;

const NODE_TONES = { online: 'good', offline: 'bad', warning: 'warn', maintenance: 'calm' } as const;
const SERVICE_TONES = { up: 'good', failing: 'warn', down: 'bad' } as const;

/** Everything that needs a person: held runs, active alerts, dead letters, deliveries that fail. */
export function attention(brakes: readonly HeldBrake[] | undefined, state: Overview | undefined, view: View): Html {
  const { locale, say } = view;
  if (!brakes || !state) return live('attention', say('attention'), nothing(say('unknown')));
  const deliveries = deliveryTotals(state.deliveries);
  const troubles = troublesIn({
    alerts: state.alerts.length,
    held: brakes.length,
    deadLetters: state.dead_letters.total,
    deliveries,
  });
  if (troubles.length === 0) {
    return html`<section class="card quiet" id="attention" data-live><p>${badge('good', say('allQuiet'))}</p></section>`;
  }
  const held = brakes.map((brake) => heldItem(brake, view));
  const alerts = state.alerts.map(
    ({ kind, severity, since, subject }) =>
      html`<li>${badge(severity === 'critical' ? 'bad' : 'warn', subject)} ${meaning(kind, view)} <span class="muted">${say('for')} ${spanSince(since, view)}</span></li>`,
  );
  const figures = [
    ...(troubles.includes('deliveries')
      ? [
          html`<li>${badge('bad', howMany(deliveries.failed, 'message', locale))} ${say('deliveriesFail', successText(state.delivery_success, locale))}</li>`,
        ]
      : []),
    ...(troubles.includes('deadLetters')
      ? [
          html`<li>${badge('warn', howMany(state.dead_letters.total, 'deadLetter', locale))} <a href="#dead-letters">${say('inspect')}</a></li>`,
        ]
      : []),
  ];
  return live('attention', say('attention'), html`<ul class="list">${join([...held, ...alerts, ...figures], '')}</ul>`);
}

/** The meaning of a kind of alert, where there is a word for it. */
function meaning(kind: string, { say }: View): Html | string {
  const word = kind.startsWith('service_down_') ? 'alert.service_down' : `alert.${kind}`;
  return isWord(word) ? say(word) : html`<code>${kind}</code>`;
}

function heldItem({ decisions, held, name, since }: HeldBrake, view: View): Html {
  const { locale, say } = view;
  const what = held[locale];
  const buttons = (view.may('admin') ? decisions : []).map((decision) => {
    const word = `decision.${decision}`;
    const label = isWord(word) ? say(word) : decision;
    return action(`brake-${name}-${decision}`, {
      label,
      about: name,
      method: 'POST',
      url: `/api/v1/brakes/${encodeURIComponent(name)}/confirm`,
      body: { decision },
      ask: `${say('confirmBrake', label, name)} ${what}`,
      done: say('decided'),
      ...(decision === 'drop' && { tone: 'bad' as const }),
    });
  });
  return html`<li class="row"><span class="grow">${badge('warn', say('held'))} <code>${name}</code> ${what}${since ? html` <span class="muted">${say('for')} ${spanSince(since.toISOString(), view)}</span>` : ''}</span><span class="actions">${join(buttons, '')}</span></li>`;
}

/** The figures that people look at first. */
export function tiles(state: Overview | undefined, { locale, say }: View): Html {
  const recent = state?.deliveries.slice(-1 - RECENT_MINUTES, -1) ?? [];
  const perMinute = recent.reduce((sum, { sent }) => sum + sent, 0) / RECENT_MINUTES;
  const depths = state?.queues && Object.values(state.queues.depths);
  const nodes = state && `${state.nodes.filter(({ status }) => status === 'online').length} / ${state.nodes.length}`;
  const all: [string, string | number | undefined][] = [
    [say('nodesOnline'), nodes],
    [say('deliveredPerMinute'), state && numberText(Math.round(perMinute * 10) / 10, locale)],
    [say('successRate'), state && successText(state.delivery_success, locale)],
    [say('waitingJobs'), depths?.reduce((sum, { waiting }) => sum + waiting, 0)],
    [say('pendingMessages'), state?.queues?.notifications?.pending],
    [say('deadLetters'), state?.dead_letters.total],
  ];
  const shown = all.map(
    ([name, value]) =>
      html`<div class="tile"><dt>${name}</dt><dd>${typeof value === 'number' ? numberText(value, locale) : (value ?? '–')}</dd></div>`,
  );
  return html`<dl class="tiles" id="tiles" data-live>${join(shown, '')}</dl>`;
}

export function chart(state: Overview | undefined, view: View): Html {
  const { say } = view;
  return live('chart', say('deliveries'), state ? deliveryChart(state.deliveries, view) : nothing(say('unknown')));
}

export function nodes(state: Overview | undefined, view: View): Html {
  const { say } = view;
  if (!state) return live('nodes', say('nodes'), nothing(say('unknown')));
  if (state.nodes.length === 0) return live('nodes', say('nodes'), nothing(say('noNodes')));
  const items = state.nodes.map(
    ({ checked_at, country, name, reason, since, status }) => html`<li class="node">
<span class="name">${name} <span class="country">${country}</span></span>
${badge(NODE_TONES[status], say(`node.${status}`))}
<span class="muted">${say('for')} ${spanSince(since, view)}${isStale(checked_at, view) ? html` · ${say('stale')} ${moment(checked_at, view.now, view.locale, say)}` : ''}</span>
${reason && status !== 'online' ? html`<span class="muted reason">${reason}</span>` : ''}</li>`,
  );
  return live('nodes', say('nodes'), html`<ul class="nodes">${join(items, '')}</ul>`);
}

export function services(state: Overview | undefined, view: View): Html {
  const { say } = view;
  if (!state) return live('services', say('services'), nothing(say('unknown')));
  if (state.services.length === 0) return live('services', say('services'), nothing(say('noServices')));
  const items = state.services.map(
    ({ error, latency_ms, name, since, status }) => html`<li class="row"><span>${name}</span>
<span>${badge(SERVICE_TONES[status], say(`service.${status}`))} <span class="muted">${latency_ms === undefined ? '' : `${latencyText(latency_ms, view.locale)} · `}${say('for')} ${spanSince(since, view)}</span></span>
${error ? html`<span class="muted reason">${error}</span>` : ''}</li>`,
  );
  return live('services', say('services'), html`<ul class="list">${join(items, '')}</ul>`);
}

export function queues(state: Overview | undefined, { locale, now, say }: View): Html {
  if (!state?.queues) return live('queues', say('queues'), nothing(say('unknown')));
  const { at, depths, intake } = state.queues;
  const rows = Object.entries(depths).map(
    ([name, { active, delayed, failed, waiting }]) =>
      html`<tr><th scope="row">${name}</th>${join(
        [waiting, active, delayed, failed].map((n) => cell(n, locale)),
        '',
      )}</tr>`,
  );
  const python = intake
    ? html`<tr><th scope="row">${say('intake')}</th>${cell(intake.unread, locale)}${cell(intake.pending, locale)}<td></td><td></td></tr>`
    : '';
  const heads = [say('waiting'), say('active'), say('delayed'), say('dead')].map(
    (head) => html`<th scope="col" class="number">${head}</th>`,
  );
  return live(
    'queues',
    say('queues'),
    html`<table><thead><tr><th scope="col">${say('queue')}</th>${join(heads, '')}</tr></thead><tbody>${join(rows, '')}${python}</tbody></table><p class="muted">${say('counted')} ${moment(at, now, locale, say)}</p>`,
  );
}

const cell = (n: number, locale: Locale): Html =>
  html`<td class="number ${n === 0 ? 'zero' : ''}">${numberText(n, locale)}</td>`;

const spanSince = (since: string, { locale, now }: View): string =>
  durationText(now.getTime() - new Date(since).getTime(), locale);

const isStale = (checkedAt: string, { now }: View): boolean => now.getTime() - new Date(checkedAt).getTime() > STALE_MS;

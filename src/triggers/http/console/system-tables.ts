import { type Html, html } from '../../../lib/html.ts';
import { durationText, numberText } from '../../../lib/quantities.ts';
import type { ProcessNote } from '../../../repositories/redis/monitoring/process-notes.ts';
import { breakersOf, isMixed } from '../api/system.ts';
import type { HttpContext } from '../context.ts';
import { dataTable } from './components/data-table.ts';
import { figureTiles } from './components/figures.ts';
import { emptyState, stateBadge } from './components/states.ts';
import { timeAgo } from './components/times.ts';
import type { Page } from './define-view.ts';

type Breaker = ProcessNote['breakers'][number];
const TONES = { closed: 'good', half_open: 'warn', open: 'bad' } as const;

type BreakerWord =
  | `breaker.${Breaker['state']}`
  | 'breakers'
  | 'inProcesses'
  | 'noBreakers'
  | 'service'
  | 'since'
  | 'state';

/** The circuit breakers of all processes, one row for each service with its worst state. */
export function breakerTable(processes: readonly ProcessNote[], page: Page<BreakerWord>): Html {
  const { locale, say } = page;
  const rows = breakersOf(processes);
  if (rows.length === 0) return emptyState(say('noBreakers'));
  return dataTable({
    caption: say('breakers'),
    rows,
    idOf: ({ service }) => `breaker-${service}`,
    columns: [
      { heading: say('service'), cell: ({ service }) => service },
      {
        heading: say('state'),
        cell({ of, same, worst: { state, why } }) {
          const some = say('inProcesses', numberText(same, locale), numberText(of, locale));
          return html`${stateBadge(TONES[state], say(`breaker.${state}`))}${state !== 'closed' && of > 1 ? html` <span class="muted">${some}</span>` : ''}${why ? html`<span class="muted about">${why}</span>` : ''}`;
        },
      },
      { heading: say('since'), cell: ({ worst }) => timeAgo(worst.since, page) },
    ],
  });
}

type ProcessWord = 'heard' | 'mixed' | 'noBreakers' | 'process' | 'processes' | 'role' | 'started' | 'version';

/** The processes that run, and a warning where they are of different versions. */
export function processTable(processes: readonly ProcessNote[], page: Page<ProcessWord>): Html {
  const { say } = page;
  if (processes.length === 0) return emptyState(say('noBreakers'));
  const table = dataTable({
    caption: say('processes'),
    rows: processes,
    idOf: ({ host, pid }) => `process-${host}-${pid}`,
    columns: [
      { heading: say('process'), cell: ({ host, pid }) => `${host} · ${pid}` },
      { heading: say('role'), cell: ({ role }) => role },
      { heading: say('version'), cell: ({ version }) => version },
      { heading: say('started'), cell: ({ startedAt }) => timeAgo(startedAt, page) },
      { heading: say('heard'), cell: ({ at }) => timeAgo(at, page) },
    ],
  });
  return html`${isMixed(processes) ? html`<p>${stateBadge('warn', say('mixed'))}</p>` : ''}${table}`;
}

type LimitWord = 'panelLimit' | 'panelWaits' | 'telegramLimit' | 'telegramPaused';

/** The limits that all workers share, and how much of each is in use now. */
export function limitTiles(
  { panel, panelConcurrency, telegram, telegramRate }: Awaited<ReturnType<HttpContext['state']['limits']>>,
  page: Page<LimitWord>,
): Html {
  const { locale, say } = page;
  const of = (used: number, limit: number) => `${numberText(used, locale)} ${say('of')} ${numberText(limit, locale)}`;
  const tiles = figureTiles(
    [
      { name: say('telegramLimit'), value: of(telegram.sent, telegramRate), href: '/messages' },
      { name: say('panelLimit'), value: of(panel.used, panelConcurrency) },
    ],
    page,
  );
  const paused = telegram.pausedMs > 0 ? say('telegramPaused', durationText(telegram.pausedMs, locale)) : undefined;
  const waits = panel.waiting > 0 ? say('panelWaits', numberText(panel.waiting, locale)) : undefined;
  return html`${tiles}${paused ? html`<p>${stateBadge('warn', paused)}</p>` : ''}${waits ? html`<p class="muted">${waits}</p>` : ''}`;
}

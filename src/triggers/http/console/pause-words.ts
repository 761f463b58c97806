import { type Html, html } from '../../../lib/html.ts';
import type { PauseMark } from '../../../repositories/redis/monitoring/pause-marks.ts';
import { personOf } from './components/people.ts';
import { stateBadge } from './components/states.ts';
import { timeAgo } from './components/times.ts';
import type { Page } from './define-view.ts';

const WORDS = {
  paused: { en: 'paused', ru: 'на паузе' },
  fleeting: {
    en: 'It is kept in Redis alone and is lost where that is emptied. Run `task-worker schema install` to keep it.',
    ru: 'Пауза хранится только в Redis и пропадёт, если его очистить. Выполните `task-worker schema install`, чтобы её сохранить.',
  },
} as const;

/** That a schedule is paused, by whom and since when, and the reason. */
export function drawPause({ at, by, isKept, reason }: PauseMark, page: Page): Html {
  const { locale } = page;
  const why = reason === undefined ? '' : html`<span class="muted about wrap">${reason}</span>`;
  const lost = isKept ? '' : html`<span class="muted about">${WORDS.fleeting[locale]}</span>`;
  return html`${stateBadge('warn', WORDS.paused[locale])} <span class="muted">${personOf(by)}, ${timeAgo(at, page)}</span>${why}${lost}`;
}

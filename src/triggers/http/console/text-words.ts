import type { Html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import type { TextState } from '../../texts.ts';
import { stateBadge } from './components/states.ts';

const FROM = {
  page: { en: 'yours', ru: 'ваш' },
  folder: { en: 'from the folder', ru: 'из папки' },
  built_in: { en: 'built-in', ru: 'встроенный' },
} as const;
const BROKEN = { en: 'broken, not used', ru: 'сломан, не используется' };

/** Whose text is in force, and whether one of the owner is broken. */
export function textBadge(state: TextState | undefined, locale: Locale): Html {
  if (state?.why !== undefined) return stateBadge('bad', BROKEN[locale]);
  const from = state?.from ?? 'built_in';
  return stateBadge(from === 'built_in' ? 'calm' : 'good', FROM[from][locale]);
}

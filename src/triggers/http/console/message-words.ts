import type { Html } from '../../../lib/html.ts';
import type { Locale } from '../../../lib/locale.ts';
import { stateBadge, type Tone } from './components/states.ts';
import type { Text } from './define-view.ts';

const STATES: Readonly<Record<string, { tone: Tone; text: Text }>> = {
  pending: { tone: 'warn', text: { en: 'waits', ru: 'ждёт' } },
  sent: { tone: 'good', text: { en: 'delivered', ru: 'доставлено' } },
  failed: { tone: 'bad', text: { en: 'failed', ru: 'не доставлено' } },
};

/** Reasons that the worker writes before the colon of `error_message`. */
const REASONS: Readonly<Record<string, Text>> = {
  unreachable: { en: 'the bot is blocked or the chat is gone', ru: 'бот заблокирован или чата нет' },
  obsolete: { en: 'overtaken by what happened meanwhile', ru: 'устарело к моменту отправки' },
  dropped: { en: 'dropped by a person', ru: 'отброшено человеком' },
  withdrawn: { en: 'withdrawn', ru: 'отозвано' },
  too_long: { en: 'too long', ru: 'слишком длинное' },
  bad_request: { en: 'refused by Telegram', ru: 'отклонено Telegram' },
  unknown: { en: 'no reason on record', ru: 'причина не записана' },
};

/** The state of a message; a state that is not ours is shown as it is. */
export function messageBadge(status: string, locale: Locale): Html {
  const state = STATES[status];
  return state ? stateBadge(state.tone, state.text[locale]) : stateBadge('calm', status);
}

/** A reason in words; one that has none is shown as it is. */
export const reasonText = (reason: string, locale: Locale): string => REASONS[reason]?.[locale] ?? reason;

import { LOCALES } from '../../lib/locale.ts';
import { noHistory } from '../../messages/history.ts';
import type { HistoryContext } from '../../triggers/http/context.ts';
import type { App } from '../build-app.ts';

/** History as doors see it. */
export function historyOf({ parts }: Pick<App, 'parts'>): HistoryContext {
  const { historyState, runs } = parts;
  return {
    async missing() {
      const { kind } = await historyState();
      if (kind === 'current' || kind === 'newer') return undefined;
      const [en, ru] = LOCALES.map((locale) => noHistory(kind, locale)) as [string, string];
      return { en, ru };
    },
    runs,
  };
}

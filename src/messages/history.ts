import type { Locale } from '../lib/locale.ts';

/** Why there is no history, and what to do, in one sentence. */
export function noHistory(state: 'absent' | 'older' | 'no_rights', locale: Locale): string {
  const command = state === 'no_rights' ? '`task-worker schema check`' : '`task-worker schema install`';
  const sentences = {
    absent: {
      en: `History is not kept here. Run ${command} to keep it from then on; no restart is needed.`,
      ru: `История здесь не хранится. Выполните ${command}, и она будет храниться с этого момента; перезапуск не нужен.`,
    },
    older: {
      en: `History is not kept until its schema is brought up to date. Run ${command}; no restart is needed.`,
      ru: `История не хранится, пока её схема не обновлена. Выполните ${command}; перезапуск не нужен.`,
    },
    no_rights: {
      en: `History is not kept, because the worker's database role lacks rights. Run ${command}: it says which to grant.`,
      ru: `История не хранится: роли базы данных, под которой работает воркер, не хватает прав. Выполните ${command}: команда скажет, какие выдать.`,
    },
  } as const;
  return sentences[state][locale];
}

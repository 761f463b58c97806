import { type Html, html } from '../lib/html.ts';
import type { Locale } from '../lib/locale.ts';
import { durationText } from '../lib/quantities.ts';
import { alertMessage } from './alerts.ts';

/** A process of a worker that hangs. */
type SilentProcess = { host: string; pid: number; silentMs: number };

/** To the admins: a worker process does not answer its supervisor. */
export function processSilent({ host, pid, silentMs }: SilentProcess, locale: Locale): Html {
  const span = durationText(silentMs, locale);
  const { advice, title } = {
    en: {
      title: html`A worker process has not answered for ${span}`,
      advice:
        'Others take its jobs over. It is replaced if it stays silent as long again. Is the machine out of memory or processor time?',
    },
    ru: {
      title: html`Процесс воркера не отвечает: ${span}`,
      advice:
        'Его задачи берут другие. Если он промолчит ещё столько же, он будет заменён. Хватает ли машине памяти и процессора?',
    },
  }[locale];
  return alertMessage('critical', title, [html`${host}, pid ${pid}`, advice], locale);
}

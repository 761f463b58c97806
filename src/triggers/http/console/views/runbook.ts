import { z } from 'zod';
import { html, join } from '../../../../lib/html.ts';
import { Problem } from '../../problem.ts';
import { defineView } from '../define-view.ts';
import { markedText } from '../runbook-words.ts';

/** What an alert means, and what to do. */
export default defineView({
  path: '/runbooks/:name',
  needs: 'view',
  texts: {
    title: { en: 'What to do', ru: 'Что делать' },
    means: { en: 'Means', ru: 'Что это значит' },
    look: { en: 'Look at', ru: 'Посмотрите' },
    act: { en: 'Do', ru: 'Сделайте' },
    about: { en: 'Alerts', ru: 'Оповещения' },
    all: { en: 'All runbooks', ru: 'Все инструкции' },
    on: { en: 'Alerts that are on', ru: 'Активные оповещения' },
  },
  params: z.object({ name: z.string().max(100) }),
  heading: ({ name }) => name,

  parts: ({ part }) => [
    part({
      name: 'runbook',
      load({ runbooks }, { params: { name } }) {
        const runbook = runbooks.find(name);
        if (!runbook) throw new Problem('not-found', `There is no runbook ${name}.`);
        return runbook;
      },
      draw(runbook, { locale, say }) {
        const texts = (['means', 'look', 'act'] as const).map(
          (field) => html`<h2>${say(field)}</h2><p>${markedText(beginning(runbook[field][locale]))}</p>`,
        );
        const more = runbook.more ? html`<p>${markedText(runbook.more[locale])}</p>` : '';
        const codes = join(
          runbook.names.map((one) => html`<code>${one}</code>`),
          ', ',
        );
        return html`${join(texts, '')}${more}<p class="muted">${say('about')}: ${codes}</p><p><a href="/alerts">${say('on')}</a> · <a href="/runbooks">${say('all')}</a></p>`;
      },
    }),
  ],
});

/** The documents go on with a text after a colon; here it begins a paragraph. */
const beginning = (text: string): string => text.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());

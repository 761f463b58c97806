import { CUSTOMER_TEXTS, TEXT_NAMES } from '../../../../lib/customer-texts.ts';
import { seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import { LOCALES } from '../../../../lib/locale.ts';
import { TEXTS_KNOWN_WITHIN_SECONDS } from '../../../texts.ts';
import { dataTable } from '../components/data-table.ts';
import { defineView } from '../define-view.ts';
import { textBadge } from '../text-words.ts';

/** The texts that customers read, and whose is in force. */
export default defineView({
  path: '/texts',
  needs: 'admin',
  nav: { group: 'people', order: 40 },
  texts: {
    title: { en: 'Texts', ru: 'Тексты' },
    how: {
      en: 'A text made here comes before a file of TEXTS_DIR, and that before the built-in one. Every worker knows of a change within % s; messages that wait are sent in the words that hold then.',
      ru: 'Текст, созданный здесь, важнее файла из TEXTS_DIR, а файл — важнее встроенного. Воркеры узнают об изменении за % с; ожидающие сообщения уйдут уже с новым текстом.',
    },
    name: { en: 'Text', ru: 'Текст' },
    en: { en: 'English', ru: 'Английский' },
    ru: { en: 'Russian', ru: 'Русский' },
    stray: {
      en: 'TEXTS_DIR: % is no text, or cannot be read. A file is named as reminder.en.html.',
      ru: 'TEXTS_DIR: % — не текст или не читается. Файл называется как reminder.ru.html.',
    },
  },

  parts: ({ part }) => [
    part({
      name: 'list',
      everyMs: seconds(30),
      async load({ history, texts }) {
        return { ...(await texts.states()), missing: await history.missing() };
      },
      draw({ missing, states, stray }, { locale, say }) {
        const table = dataTable({
          caption: say('title'),
          rows: TEXT_NAMES,
          idOf: (name) => `text-${name}`,
          columns: [
            {
              heading: say('name'),
              cell: (name) => html`<a href="/texts/${name}">${CUSTOMER_TEXTS[name].title[locale]}</a>`,
            },
            ...LOCALES.map((language) => ({
              heading: say(language),
              cell: (name: (typeof TEXT_NAMES)[number]) =>
                textBadge(
                  states.find((one) => one.name === name && one.locale === language),
                  locale,
                ),
            })),
          ],
        });
        const strays = stray.map(({ file }) => html`<p class="wrong">${say('stray', file)}</p>`);
        const notHere = missing ? html`<p class="muted">${missing[locale]}</p>` : '';
        return html`<p class="muted">${say('how', TEXTS_KNOWN_WITHIN_SECONDS)}</p>${notHere}${join(strays, '')}${table}`;
      },
    }),
  ],
});

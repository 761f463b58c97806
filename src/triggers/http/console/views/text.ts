import { z } from 'zod';
import { CUSTOMER_TEXTS, TEXT_NAMES, type TextName } from '../../../../lib/customer-texts.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { LOCALES } from '../../../../lib/locale.ts';
import { visibleText } from '../../../../lib/telegram-html.ts';
import { TEXTS_KNOWN_WITHIN_SECONDS, VERSIONS_LISTED } from '../../../texts.ts';
import { restoreText, saveText } from '../../api/texts.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { dataTable } from '../components/data-table.ts';
import { personOf } from '../components/people.ts';
import { emptyState } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';
import { textBadge } from '../text-words.ts';

const seenAs = (name: TextName, text: string): string =>
  CUSTOMER_TEXTS[name].kind === 'telegram' ? visibleText(text) : text;

/** One text that customers read: in force, as they read it, another in its place, and its versions. */
export default defineView({
  path: '/texts/:name',
  needs: 'admin',
  texts: {
    title: { en: 'Text', ru: 'Текст' },
    en: { en: 'In English', ru: 'По-английски' },
    ru: { en: 'In Russian', ru: 'По-русски' },
    variables: { en: 'Variables', ru: 'Переменные' },
    variable: { en: 'Variable', ru: 'Переменная' },
    meaning: { en: 'What stands in its place', ru: 'Что стоит на её месте' },
    needed: { en: 'needed', ru: 'обязательна' },
    sometimes: { en: 'not always known: its line is then left out', ru: 'известна не всегда: тогда её строки нет' },
    reads: { en: 'As customers read it', ru: 'Как это читают клиенты' },
    broken: { en: 'Your text is not used: it %.', ru: 'Ваш текст не используется: он %.' },
    file: { en: 'There is a file % for it in TEXTS_DIR.', ru: 'Для него в TEXTS_DIR есть файл %.' },
    save: { en: 'Save', ru: 'Сохранить' },
    sure: {
      en: 'A customer will read: “%”. In force within % s. Save it?',
      ru: 'Клиент прочтёт: «%». Вступит в силу за % с. Сохранить?',
    },
    saved: { en: 'It is in force as version %.', ru: 'Текст действует, версия %.' },
    restore: { en: 'Use this again', ru: 'Вернуть этот' },
    back: { en: 'Take back', ru: 'Вернуть встроенный' },
    sureBack: {
      en: 'A file of TEXTS_DIR holds again where there is one, else the built-in text. Take yours back?',
      ru: 'Снова будет действовать файл из TEXTS_DIR, а если его нет — встроенный текст. Убрать ваш?',
    },
    versions: { en: 'Versions', ru: 'Версии' },
    version: { en: 'Version', ru: 'Версия' },
    by: { en: 'By', ru: 'Кто' },
    when: { en: 'When', ru: 'Когда' },
    begins: { en: 'Text', ru: 'Текст' },
    takenBack: { en: 'taken back', ru: 'убран' },
    noVersions: { en: 'It has never been replaced here.', ru: 'Здесь его ещё не меняли.' },
  },
  params: z.object({ name: z.enum(TEXT_NAMES) }),
  heading: ({ name }, locale) => CUSTOMER_TEXTS[name].title[locale],

  deeds: ({ deed }) => ({
    save: deed({
      needs: 'admin',
      label: 'save',
      form: ({ texts }, { page, params: { name } }) => ({
        schema: z
          .object({
            locale: z.enum(LOCALES),
            after: z.coerce.number().int().min(0),
            text: z.string().max(100_000),
          })
          .superRefine(({ locale, text }, context) => {
            const why = texts.whyWrong({ name, locale, text }, page.locale);
            if (why !== undefined) context.addIssue({ code: 'custom', path: ['text'], message: why });
          }),
        fields: {
          text: {
            kind: 'area',
            required: true,
            label: { en: 'Text', ru: 'Текст' },
            hint:
              CUSTOMER_TEXTS[name].kind === 'telegram'
                ? { en: 'Telegram HTML; variables as below', ru: 'HTML Telegram; переменные — ниже' }
                : {
                    en: 'Plain text; the first line is the subject, then an empty line',
                    ru: 'Обычный текст; первая строка — тема, затем пустая строка',
                  },
          },
        },
      }),
      ask({ texts }, { form: { locale, text }, page, params: { name } }) {
        const [sample] = texts.preview({ name, locale, text });
        return page.say('sure', seenAs(name, sample!.text), TEXTS_KNOWN_WITHIN_SECONDS);
      },
      async run(context, { caller, form, page, params: { name } }) {
        const { about, version } = await saveText(context, { ...form, name, by: callerOf(caller) });
        return {
          receipt: page.say('saved', version),
          act: { action: 'text.saved', entityType: 'text', ...about },
        };
      },
    }),
    restore: deed({
      needs: 'admin',
      label: 'restore',
      form: {
        schema: z.object({ locale: z.enum(LOCALES), version: z.coerce.number().int().min(1) }),
        fields: {},
      },
      async run(context, { caller, form, page, params: { name } }) {
        const { about, version } = await restoreText(context, { ...form, name, by: callerOf(caller) });
        return {
          receipt: page.say('saved', version),
          act: { action: 'text.restored', entityType: 'text', ...about },
        };
      },
    }),
    back: deed({
      needs: 'admin',
      label: 'back',
      tone: 'bad',
      form: { schema: z.object({ locale: z.enum(LOCALES) }), fields: {} },
      ask: (_context, { page }) => page.say('sureBack'),
      async run(context, { caller, form, page, params: { name } }) {
        const { about, version } = await restoreText(context, { ...form, name, by: callerOf(caller) });
        return {
          receipt: page.say('saved', version),
          act: { action: 'text.restored', entityType: 'text', ...about },
        };
      },
    }),
  }),

  parts: ({ part }) => [
    ...LOCALES.map((language) =>
      part({
        name: language,
        heading: language,
        async load({ history, texts }, { params: { name } }) {
          const { states } = await texts.states();
          const state = states.find((one) => one.name === name && one.locale === language)!;
          const text = state.text ?? CUSTOMER_TEXTS[name].builtIn[language];
          return {
            ...{ state, text, missing: await history.missing() },
            samples: texts.preview({ name, locale: language, text }),
          };
        },
        draw({ missing, samples, state, text }, page) {
          const { form, locale, say } = page;
          const after = state.version?.version ?? 0;
          const hidden = { locale: language, after: String(after) };
          const shown = state.version?.text ?? text;
          const forms = missing
            ? html`<p class="muted">${missing[locale]}</p>`
            : html`${form('save', { key: language, hidden, values: { text: shown } })}${
                state.version?.text === undefined
                  ? ''
                  : form('back', { key: `back-${language}`, hidden: { locale: language }, about: language })
              }`;
          return html`<p>${textBadge(state, locale)}</p>${
            state.why === undefined ? '' : html`<p class="wrong">${say('broken', state.why)}</p>`
          }${state.file ? html`<p class="muted">${say('file', state.file.file)}</p>` : ''}${forms}${readings(
            state.name,
            samples,
            language,
            page,
          )}`;
        },
      }),
    ),
    part({
      name: 'variables',
      heading: 'variables',
      load: (_context, { params: { name } }) => Object.entries(CUSTOMER_TEXTS[name].variables),
      draw: (variables, { locale, say }) =>
        dataTable({
          caption: say('variables'),
          rows: variables,
          idOf: ([name]) => `variable-${name}`,
          columns: [
            { heading: say('variable'), cell: ([name]) => html`<code>{${name}}</code>` },
            {
              heading: say('meaning'),
              cell: ([, one]) => {
                const more = one.isRequired ? say('needed') : one.isOptional ? say('sometimes') : undefined;
                return more === undefined ? one.meaning[locale] : `${one.meaning[locale]} (${more})`;
              },
            },
          ],
        }),
    }),
    part({
      name: 'versions',
      heading: 'versions',
      load: (context, { params: { name } }) =>
        fromHistory(context, () => context.texts.versions(name, VERSIONS_LISTED)),
      draw: (from, page) =>
        drawHistory(from, page.locale, (versions) => {
          const { form, say } = page;
          if (versions.length === 0) return emptyState(say('noVersions'));
          return dataTable({
            caption: say('versions'),
            rows: versions,
            idOf: ({ locale, version }) => `version-${locale}-${version}`,
            columns: [
              { heading: say('version'), cell: ({ locale, version }) => `${version} (${locale})` },
              { heading: say('when'), cell: ({ at }) => timeAt(at, page) },
              { heading: say('by'), cell: ({ by }) => personOf(by) },
              {
                heading: say('begins'),
                cell: ({ text }) => (text === undefined ? say('takenBack') : html`<span class="wrap">${text}</span>`),
              },
              {
                heading: say('restore'),
                kind: 'actions',
                cell: ({ locale, text, version }) =>
                  text === undefined
                    ? ''
                    : form('restore', {
                        key: `${locale}-${version}`,
                        hidden: { locale, version: String(version) },
                        about: `${version} (${locale})`,
                      }),
              },
            ],
          });
        }),
    }),
  ],
});

type Said = Pick<Page<'reads'>, 'say'>;

function readings(
  name: TextName,
  samples: readonly { username: string; text: string }[],
  language: string,
  { say }: Said,
): Html {
  const each = samples.map(
    ({ text }) => html`<figure class="message" lang="${language}"><p class="wrap">${seenAs(name, text)}</p></figure>`,
  );
  return html`<details><summary>${say('reads')}</summary>${join(each, '')}</details>`;
}

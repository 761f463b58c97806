import { z } from 'zod';
import { html } from '../../../../lib/html.ts';
import { dispatchFor } from '../../api/dispatch.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { Problem } from '../../problem.ts';
import { defineView } from '../define-view.ts';
import { DRY_RUN_BUTTON } from '../payload-form.ts';

/** As many as the task takes. */
const MOST_USERS = 100_000;

const OPERATIONS = {
  disable: { en: 'Disable', ru: 'Отключить' },
  enable: { en: 'Enable', ru: 'Включить' },
  reset_traffic: { en: 'Reset traffic', ru: 'Сбросить трафик' },
  delete: { en: 'Delete', ru: 'Удалить' },
} as const;
const NAMES = Object.keys(OPERATIONS) as [keyof typeof OPERATIONS];

/** One operation on many panel users, whose ids are pasted or put in as a file. */
export default defineView({
  path: '/bulk/new',
  needs: 'admin',
  nav: { group: 'work', order: 30 },
  texts: {
    title: { en: 'Bulk operation', ru: 'Массовая операция' },
    how: {
      en: 'The worker does it one user after the other, handles nobody twice, and tells the admins how it ended. Its progress and its button to cancel are on the page of the job.',
      ru: 'Сервис выполняет её по одному пользователю, никого не трогает дважды и сообщает админам, чем она кончилась. Ход и кнопка отмены — на странице задания.',
    },
    go: { en: 'Do it', ru: 'Выполнить' },
    sure: { en: '% for %. Go on?', ru: '%: %. Продолжить?' },
    users: { en: '% users', ru: 'пользователей %' },
    nobody: { en: 'No id was given.', ru: 'Не указан ни один id.' },
    tried: {
      en: 'What it would do to % is listed here. Nothing is changed.',
      ru: 'Здесь будет список того, что она сделала бы, пользователей: %. Ничего не меняется.',
    },
    begun: { en: 'It has begun for %.', ru: 'Начато, пользователей: %.' },
  },

  deeds: ({ deed }) => ({
    start: deed({
      needs: 'admin',
      label: 'go',
      tone: 'bad',
      bodyBytes: 5_000_000,
      form: {
        schema: z.object({
          operation: z.enum(NAMES),
          user_uuids: z.array(z.string().max(100)).max(MOST_USERS),
          dry_run: z.boolean(),
        }),
        fields: {
          operation: {
            kind: 'choice',
            required: true,
            label: { en: 'Operation', ru: 'Операция' },
            options: NAMES.map((value) => ({ value, label: OPERATIONS[value] })),
          },
          user_uuids: {
            kind: 'lines',
            required: true,
            label: {
              en: 'Panel users: uuids (2.x) or numbers (3.x)',
              ru: 'Пользователи панели: uuid (2.x) или номера (3.x)',
            },
            hint: { en: 'One a line, or separated by commas', ru: 'По одному в строке или через запятую' },
          },
          dry_run: DRY_RUN_BUTTON,
        },
      },
      ask(_context, { form: { dry_run: isDry, operation, user_uuids: ids }, page }) {
        const count = new Set(ids).size;
        if (count === 0) throw new Problem('bad-request', page.say('nobody'));
        if (isDry) return undefined;
        return page.say('sure', OPERATIONS[operation][page.locale], page.say('users', count));
      },
      async run(context, { audit, caller, form, page, request }) {
        const { traceparent } = request.headers;
        const ids = [...new Set(form.user_uuids)];
        const payload = { operation: form.operation, user_uuids: ids, dry_run: form.dry_run };
        const asked = { name: context.buttons.operates.name, payload, caller: callerOf(caller), audit, traceparent };
        const { approval, job_id: id, task } = await dispatchFor(context, asked);
        if (approval) return { receipt: page.say('waitsForSecond', task), act: 'recorded', goTo: '/approvals' };
        return {
          receipt: page.say(form.dry_run ? 'tried' : 'begun', ids.length),
          act: 'recorded',
          goTo: `/jobs/${encodeURIComponent(id)}`,
        };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'form',
      load: () => undefined,
      draw: (_nothing, { form, say }) => html`<p class="muted">${say('how')}</p>${form('start')}`,
    }),
  ],
});

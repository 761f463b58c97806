import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { html } from '../../../../lib/html.ts';
import { howMany, numberText } from '../../../../lib/quantities.ts';
import { MESSAGE_STATUSES, type OutboxMessage } from '../../../../repositories/outbox.ts';
import { RowCursor, rowCursor } from '../../../row-cursor.ts';
import { dropMessage, MESSAGES_AT_ONCE, messagesOf, retryMessage, retryMessages } from '../../api/messages.ts';
import { dataTable } from '../components/data-table.ts';
import { figureTiles } from '../components/figures.ts';
import { filterForm, pagination } from '../components/filters.ts';
import { emptyState } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { DayQuery, dayFilters, daysAsked } from '../day-filters.ts';
import { defineView } from '../define-view.ts';
import { messageBadge, reasonText } from '../message-words.ts';

const LISTED = 50;

/** The outbox: what waits, what failed and why. */
export default defineView({
  path: '/messages',
  needs: 'support',
  nav: { group: 'people', order: 20 },
  texts: {
    title: { en: 'Messages', ru: 'Сообщения' },
    due: { en: 'waiting, due', ru: 'ждут, пора' },
    later: { en: 'waiting for later', ru: 'ждут своего времени' },
    failures: { en: 'Failed, by reason', ru: 'Не доставлены, по причинам' },
    noFailures: { en: 'No failed message is kept.', ru: 'Недоставленных сообщений нет.' },
    list: { en: 'List', ru: 'Список' },
    chat: { en: 'Chat', ru: 'Чат' },
    text: { en: 'Text', ru: 'Текст' },
    state: { en: 'State', ru: 'Состояние' },
    type: { en: 'Kind', ru: 'Вид' },
    when: { en: 'Due or sent', ru: 'Срок или отправка' },
    reason: { en: 'Reason', ru: 'Причина' },
    nothing: { en: 'No message fits these filters.', ru: 'Под эти фильтры не подходит ни одно сообщение.' },
    lookedTo: {
      en: 'Older messages were not looked at; this look ends at',
      ru: 'Более старые сообщения не просмотрены; просмотр закончен на',
    },
    retry: { en: 'Send again', ru: 'Отправить снова' },
    retryAll: { en: 'Send all again', ru: 'Отправить все снова' },
    drop: { en: 'Drop', ru: 'Отбросить' },
    sureAll: { en: '% become due now and are sent again. Go on?', ru: 'Снова уйдут: %. Продолжить?' },
    sureDrop: { en: 'It is not sent any more. Go on?', ru: 'Оно больше не будет отправлено. Продолжить?' },
    retried: { en: '% due again.', ru: 'Снова в очереди: %.' },
    notFailed: {
      en: 'It is not among the failed any more; nothing was changed.',
      ru: 'Оно уже не среди недоставленных; ничего не изменено.',
    },
    dropped: { en: 'Dropped.', ru: 'Отброшено.' },
    notWaiting: { en: 'It does not wait any more; nothing was changed.', ru: 'Оно уже не ждёт; ничего не изменено.' },
  },
  query: z.object({
    status: z.enum(MESSAGE_STATUSES).optional(),
    reason: z.string().trim().max(100).optional(),
    type: z.string().trim().max(50).optional(),
    chat: z
      .string()
      .trim()
      .regex(/^\d{0,19}$/)
      .optional(),
    cursor: RowCursor.optional(),
    ...DayQuery,
  }),

  deeds: ({ deed }) => ({
    retry: deed({
      needs: 'support',
      label: 'retry',
      form: { schema: z.object({ id: z.guid() }), fields: {} },
      async run(context, { form: { id }, page }) {
        const { act, messages } = await retryMessage(context, id);
        const receipt =
          messages > 0 ? page.say('retried', howMany(messages, 'message', page.locale)) : page.say('notFailed');
        return { receipt, act };
      },
    }),
    drop: deed({
      needs: 'support',
      label: 'drop',
      tone: 'bad',
      form: { schema: z.object({ id: z.guid() }), fields: {} },
      ask: (_context, { page }) => page.say('sureDrop'),
      async run(context, { caller, form: { id }, page }) {
        const { act, messages } = await dropMessage(context, id, caller.name);
        return { receipt: page.say(messages > 0 ? 'dropped' : 'notWaiting'), act };
      },
    }),
    retryAll: deed({
      needs: 'admin',
      label: 'retryAll',
      form: {
        schema: z.object({
          reason: z.string().min(1).max(100),
          expected: z.coerce.number().int().min(0).max(MESSAGES_AT_ONCE).optional(),
        }),
        fields: {},
      },
      async ask({ outbox }, { form: { reason }, page }) {
        const { messages } = await outbox.list({ status: 'failed', reason }, { limit: MESSAGES_AT_ONCE });
        const sentence = page.say('sureAll', howMany(messages.length, 'message', page.locale));
        return { sentence, sent: { expected: String(messages.length) } };
      },
      async run(context, { form: { expected = 0, reason }, page }) {
        const { act, messages } = await retryMessages(context, reason, expected);
        return { receipt: page.say('retried', howMany(messages, 'message', page.locale)), act };
      },
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'figures',
      everyMs: seconds(15),
      load: ({ outbox }) => outbox.counts(),
      draw({ asOf, due, failures, later }, page) {
        const { form, locale, say } = page;
        const tiles = figureTiles(
          [
            { name: say('due'), value: numberText(due, locale), href: '/messages?status=pending', asOf },
            { name: say('later'), value: numberText(later, locale), href: '/messages?status=pending', asOf },
          ],
          page,
        );
        const table = dataTable({
          caption: say('failures'),
          rows: failures,
          idOf: ({ reason }) => `reason-${reason.replaceAll(/[^\w-]/g, '_')}`,
          columns: [
            {
              heading: say('reason'),
              cell: ({ reason }) =>
                html`<a href="/messages?status=failed&amp;reason=${encodeURIComponent(reason)}">${reasonText(reason, locale)}</a>`,
            },
            { heading: say('list'), kind: 'number', cell: ({ messages }) => numberText(messages, locale) },
            {
              heading: '',
              kind: 'actions',
              cell: ({ reason }) =>
                form('retryAll', { key: reason, hidden: { reason }, about: reasonText(reason, locale) }),
            },
          ],
        });
        return html`${tiles}<h2>${say('failures')}</h2>${failures.length > 0 ? table : emptyState(say('noFailures'))}`;
      },
    }),
    part({
      name: 'list',
      heading: 'list',
      everyMs: seconds(15),
      load(context, { page, query: { chat, cursor, reason, status, type, ...asked } }) {
        const names = { reason: reason || undefined, type: type || undefined, telegramId: chat || undefined };
        const filter = { status, ...names, ...daysAsked(asked, page) };
        return messagesOf(context, filter, { after: cursor, limit: LISTED });
      },
      draw({ lookedTo, messages, next }, page, { query: { chat, cursor, reason, status, type, ...asked } }) {
        const { form, locale, say } = page;
        const filters = filterForm(
          [
            {
              kind: 'choice',
              name: 'status',
              label: say('state'),
              value: status,
              options: MESSAGE_STATUSES.map((value) => ({ value, label: STATUS_LABELS[value][locale] })),
            },
            { kind: 'text', name: 'chat', label: say('chat'), value: chat },
            { kind: 'text', name: 'type', label: say('type'), value: type },
            { kind: 'text', name: 'reason', label: say('reason'), value: reason },
            ...dayFilters(asked, page),
          ],
          page,
        );
        const table = dataTable({
          caption: say('list'),
          rows: messages,
          idOf: ({ id }) => `message-${id}`,
          columns: [
            {
              heading: say('text'),
              cell: ({ beginning, type: kind }: OutboxMessage) =>
                html`${beginning}<span class="muted about">${kind ?? ''}</span>`,
            },
            {
              heading: say('chat'),
              cell: ({ telegramId }) => html`<a href="/customers/${telegramId}">${telegramId}</a>`,
            },
            {
              heading: say('state'),
              cell: ({ error, status: state }) =>
                html`${messageBadge(state, locale)}${error ? html`<span class="muted about">${error}</span>` : ''}`,
            },
            {
              heading: say('when'),
              cell: ({ scheduledAt, sentAt }) => {
                const at = sentAt ?? scheduledAt;
                return at ? timeAgo(at, page) : '?';
              },
            },
            {
              heading: '',
              kind: 'actions',
              cell: ({ id, status: state }) => {
                if (state === 'sent') return '';
                return form(state === 'failed' ? 'retry' : 'drop', { key: id, hidden: { id } });
              },
            },
          ],
        });
        const looked = lookedTo ? html`<p class="muted">${say('lookedTo')} ${timeAt(lookedTo, page)}</p>` : '';
        return html`${filters}${messages.length > 0 ? table : emptyState(say('nothing'))}${looked}${pagination(rowCursor(next), cursor === undefined, page)}`;
      },
    }),
  ],
});

const STATUS_LABELS = {
  pending: { en: 'waiting', ru: 'ждут' },
  sent: { en: 'delivered', ru: 'доставлены' },
  failed: { en: 'failed', ru: 'не доставлены' },
} as const;

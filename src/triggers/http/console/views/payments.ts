import { z } from 'zod';
import { days, seconds } from '../../../../lib/duration.ts';
import { MONEY_DAYS } from '../../../../lib/figure-definitions.ts';
import { html, join } from '../../../../lib/html.ts';
import { durationText, numberText } from '../../../../lib/quantities.ts';
import { DESK_REASONS } from '../../../../repositories/desk-payments.ts';
import { PAYMENT_STATUSES } from '../../../../repositories/payment-row.ts';
import type { DeskLine, DeskList } from '../../../payment-desk.ts';
import { dataTable } from '../components/data-table.ts';
import { figureTiles } from '../components/figures.ts';
import { filterForm, pagination } from '../components/filters.ts';
import { emptyState } from '../components/states.ts';
import { timeAgo } from '../components/times.ts';
import { DayQuery, dayFilters, daysAsked } from '../day-filters.ts';
import { defineView } from '../define-view.ts';
import { boughtText, paymentBadge, priceText, REASON_TEXTS, STATUS_TEXTS } from '../payment-words.ts';

const LISTED = 50;

/** The payments desk: what waits for a person first, and the search for every other payment. */
export default defineView({
  path: '/payments',
  needs: 'support',
  nav: { group: 'money', order: 10, bar: true },
  texts: {
    title: { en: 'Payments', ru: 'Платежи' },
    money: {
      en: `Created in the last ${durationText(days(MONEY_DAYS), 'en')}`,
      ru: `Созданы за последние ${durationText(days(MONEY_DAYS), 'ru')}`,
    },
    paid: { en: 'completed, %', ru: 'завершено, %' },
    count: { en: '% payments', ru: 'платежей: %' },
    noMoney: { en: 'No payment was completed in these days.', ru: 'За эти дни не завершён ни один платёж.' },
    waits: { en: 'Waits for', ru: 'Чего ждёт' },
    customer: { en: 'Customer', ru: 'Клиент' },
    price: { en: 'Price', ru: 'Цена' },
    bought: { en: 'Bought', ru: 'Куплено' },
    since: { en: 'Since', ru: 'Давно ли' },
    shown: { en: 'Shown', ru: 'Показаны' },
    status: { en: 'State', ru: 'Состояние' },
    find: { en: 'Payment, invoice, customer', ru: 'Платёж, счёт, клиент' },
    onlyWaiting: { en: 'waiting for a person', ru: 'ждут человека' },
    all: { en: 'all', ru: 'все' },
    open: { en: 'paid, days not given yet', ru: 'оплачены, дни ещё не выданы' },
    nothingWaits: { en: 'No payment waits for a person.', ru: 'Ни один платёж не ждёт человека.' },
    nothingFound: { en: 'No payment fits these filters.', ru: 'Под эти фильтры не подходит ни один платёж.' },
    unreadable: { en: '% rows cannot be read', ru: 'Не читаются строки: %' },
  },
  query: z.object({
    why: z.enum(DESK_REASONS).optional(),
    status: z.enum(PAYMENT_STATUSES).optional(),
    shown: z.enum(['all', 'open']).optional(),
    find: z.string().trim().max(100).optional(),
    cursor: z.guid().optional(),
    ...DayQuery,
  }),

  parts: ({ part }) => [
    part({
      name: 'list',
      everyMs: seconds(15),
      async load(context, { page, query: { cursor, find, shown, status, why, ...asked } }) {
        const isPlain = [cursor, find, shown, status, why, asked.from, asked.to].every((one) => !one);
        if (isPlain) return firstOf(await context.waitingPayments(page.locale));
        return await context.desk.list({
          ...daysAsked(asked, page),
          reason: why,
          status,
          find: find || undefined,
          all: shown === 'all',
          open: shown === 'open',
          after: cursor,
          limit: LISTED,
          locale: page.locale,
        });
      },
      draw({ next, payments, unreadable }, page, { query: { cursor, find, shown, status, why, ...asked } }) {
        const { locale, say } = page;
        const isFiltered = [find, shown, status, why, asked.from, asked.to].some(
          (filter) => filter !== undefined && filter !== '',
        );
        const filters = filterForm(
          [
            { kind: 'text', name: 'find', label: say('find'), value: find },
            {
              kind: 'choice',
              name: 'why',
              label: say('waits'),
              value: why,
              options: DESK_REASONS.map((value) => ({ value, label: REASON_TEXTS[value][locale] })),
            },
            {
              kind: 'choice',
              name: 'status',
              label: say('status'),
              value: status,
              options: PAYMENT_STATUSES.map((value) => ({ value, label: STATUS_TEXTS[value][locale] })),
            },
            {
              kind: 'choice',
              name: 'shown',
              label: say('shown'),
              value: shown,
              options: [
                { value: 'all', label: say('all') },
                { value: 'open', label: say('open') },
              ],
            },
            ...dayFilters(asked, page),
          ],
          page,
        );
        const table = dataTable({
          caption: say('title'),
          rows: payments,
          idOf: ({ id }) => `payment-${id}`,
          columns: [
            {
              heading: say('waits'),
              cell: (line: DeskLine) =>
                html`<a href="/payments/${line.id}">${paymentBadge(line, locale)}</a><span class="muted about">${line.why}</span>`,
            },
            { heading: say('customer'), cell: ({ customer }) => customerLink(customer) },
            { heading: say('price'), kind: 'number', cell: ({ price }) => priceText(price, locale) },
            { heading: say('bought'), cell: (line) => boughtText(line, locale) },
            { heading: say('since'), cell: ({ createdAt, since }) => timeAgo(since ?? createdAt, page) },
          ],
        });
        const holes =
          unreadable.length === 0
            ? ''
            : html`<details class="unknown"><summary>${say('unreadable', numberText(unreadable.length, locale))}</summary><ul>${join(
                unreadable.map(({ item, problem }) => html`<li><code>${item}</code> ${problem}</li>`),
                '',
              )}</ul></details>`;
        const list = payments.length > 0 ? table : emptyState(say(isFiltered ? 'nothingFound' : 'nothingWaits'));
        return html`${filters}${holes}${list}${pagination(next, cursor === undefined, page)}`;
      },
    }),
    part({
      name: 'money',
      heading: 'money',
      load: ({ completedMoney }) => completedMoney(),
      draw({ asOf, sums }, page) {
        const { locale, say } = page;
        if (sums.length === 0) return emptyState(say('noMoney'));
        return figureTiles(
          sums.map(({ payments, total }) => ({
            name: say('paid', total.currency),
            value: `${priceText(total, locale)} · ${say('count', numberText(payments, locale))}`,
            href: '/payments?status=completed&shown=all',
            asOf,
          })),
          page,
        );
      },
    }),
  ],
});

/** The first page of what waits, which the bell and the first view have read too. */
function firstOf({ payments, ...list }: DeskList): DeskList {
  const shown = payments.slice(0, LISTED);
  return { ...list, payments: shown, next: payments.length > LISTED ? shown.at(-1)!.id : list.next };
}

const customerLink = ({ id, telegramId, username }: DeskLine['customer']) =>
  html`<a href="/customers?q=${encodeURIComponent(String(telegramId ?? username ?? id))}">${username ?? telegramId ?? id}</a>`;

import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { type DeskAct, type DeskAnswer, type DeskPayment, MOST_DESK_DAYS } from '../../../payment-desk.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import { Problem } from '../../problem.ts';
import { dataTable } from '../components/data-table.ts';
import { emptyState, stateBadge } from '../components/states.ts';
import { timeAgo, timeAt } from '../components/times.ts';
import { type Done, defineView, type Page } from '../define-view.ts';
import { boughtText, paymentBadge, priceText } from '../payment-words.ts';

const panelUser = z.string().trim().min(1).max(64);

/** One payment: everything that is known of it, whom it may be for, and the acts that help. */
export default defineView({
  path: '/payments/:id',
  needs: 'support',
  texts: {
    title: { en: 'Payment', ru: 'Платёж' },
    decide: { en: 'What helps', ru: 'Что поможет' },
    candidates: { en: 'Who it may be for', ru: 'Для кого он может быть' },
    facts: { en: 'Facts', ru: 'Сведения' },
    messages: { en: 'Messages about it', ru: 'Сообщения о нём' },
    trail: { en: 'What was done', ru: 'Что было сделано' },
    nothingHelps: { en: 'Nothing needs to be decided here.', ru: 'Решать здесь нечего.' },
    noCandidates: {
      en: 'No panel user is known that it may be for. Ask the customer for the name in the panel and enter it above.',
      ru: 'Неизвестен ни один пользователь панели, для которого он мог бы быть. Спросите у клиента имя в панели и введите его выше.',
    },
    noMessages: { en: 'The customer was told nothing about it yet.', ru: 'Клиенту о нём ещё ничего не сообщали.' },
    noTrail: { en: 'Nobody has done anything about it yet.', ru: 'С ним ещё никто ничего не делал.' },
    check: { en: 'Check now', ru: 'Проверить' },
    assign: { en: 'It is for this user', ru: 'Для этого пользователя' },
    assignTo: { en: 'Assign', ru: 'Назначить' },
    extend: { en: 'Extend and complete', ru: 'Продлить и завершить' },
    given: { en: 'The days were given', ru: 'Дни уже выданы' },
    close: { en: 'Close without days', ru: 'Закрыть без дней' },
    sureAssign: { en: '% gets the days of this payment. Go on?', ru: '% получит дни этого платежа. Продолжить?' },
    sureExtend: {
      en: 'The days are given once, to one customer. Go on?',
      ru: 'Дни будут выданы один раз, одному клиенту. Продолжить?',
    },
    sureGiven: {
      en: 'It counts as done, and the panel stays as it is. Go on?',
      ru: 'Платёж считается выполненным, панель не изменится. Продолжить?',
    },
    sureClose: {
      en: 'Nobody gets days for this payment. Go on?',
      ru: 'За этот платёж никто не получит дней. Продолжить?',
    },
    status: { en: 'State', ru: 'Состояние' },
    customer: { en: 'Customer', ru: 'Клиент' },
    price: { en: 'Price', ru: 'Цена' },
    bought: { en: 'Bought', ru: 'Куплено' },
    created: { en: 'Created', ru: 'Создан' },
    invoice: { en: 'Invoice', ru: 'Счёт' },
    panel: { en: 'Panel user', ru: 'Пользователь панели' },
    ends: { en: 'Ends', ru: 'До' },
    reasons: { en: 'What speaks for it', ru: 'Что за это говорит' },
    what: { en: 'Message', ru: 'Сообщение' },
    when: { en: 'When', ru: 'Когда' },
    fate: { en: 'Fate', ru: 'Судьба' },
    sent: { en: 'delivered', ru: 'доставлено' },
    waiting: { en: 'waits', ru: 'ждёт' },
    lost: { en: 'failed', ru: 'не доставлено' },
    paid: { en: 'paid', ru: 'оплачено' },
    notKnown: { en: 'not known: %', ru: 'неизвестно: %' },
  },
  params: z.object({ id: z.guid() }),
  heading: ({ id }, locale) => `${{ en: 'Payment', ru: 'Платёж' }[locale]} ${id.slice(0, 8)}`,

  deeds: ({ deed }) => ({
    check: deed({
      needs: 'support',
      label: 'check',
      run: async ({ desk }, { caller, params }) => done(await desk.check(params.id, callerOf(caller))),
    }),
    assign: deed({
      needs: 'admin',
      label: 'assign',
      form: { schema: z.object({ user: panelUser }), fields: {} },
      ask: (_context, { form, page }) => page.say('sureAssign', form.user),
      run: async ({ desk }, { caller, form, params }) =>
        done(await desk.assign(params.id, callerOf(caller), form.user)),
    }),
    assignTo: deed({
      needs: 'admin',
      label: 'assignTo',
      form: {
        schema: z.object({ user: panelUser }),
        fields: {
          user: {
            kind: 'text',
            required: true,
            label: { en: 'Panel user: name, id or uuid', ru: 'Пользователь панели: имя, id или uuid' },
          },
        },
      },
      ask: (_context, { form, page }) => page.say('sureAssign', form.user),
      run: async ({ desk }, { caller, form, params }) =>
        done(await desk.assign(params.id, callerOf(caller), form.user)),
    }),
    extend: deed({
      needs: 'admin',
      label: 'extend',
      form: {
        schema: z.object({ days: z.int().min(1).max(MOST_DESK_DAYS).optional(), user: panelUser.optional() }),
        fields: {
          days: {
            kind: 'number',
            label: { en: 'Days, where other than bought', ru: 'Дней, если не как куплено' },
          },
          user: {
            kind: 'text',
            label: { en: 'Panel user, where other than named', ru: 'Пользователь панели, если не указанный' },
          },
        },
      },
      ask: (_context, { page }) => page.say('sureExtend'),
      run: async ({ desk }, { caller, form, params }) => done(await desk.extend(params.id, callerOf(caller), form)),
    }),
    given: deed({
      needs: 'admin',
      label: 'given',
      ask: (_context, { page }) => page.say('sureGiven'),
      run: async ({ desk }, { caller, params }) => done(await desk.given(params.id, callerOf(caller))),
    }),
    close: deed({
      needs: 'admin',
      label: 'close',
      tone: 'bad',
      form: {
        schema: z.object({ reason: z.string().trim().max(300).optional() }),
        fields: {
          reason: {
            kind: 'text',
            label: { en: 'Reason, for those who look later', ru: 'Причина, для тех, кто посмотрит позже' },
          },
        },
      },
      ask: (_context, { page }) => page.say('sureClose'),
      run: async ({ desk }, { caller, form, params }) =>
        done(await desk.close(params.id, callerOf(caller), form.reason)),
    }),
  }),

  parts: ({ part }) => [
    part({
      name: 'payment',
      everyMs: seconds(10),
      async load(context, { page: { locale }, params: { id } }) {
        const payment = await context.desk.show(id, locale);
        if (!payment) throw new Problem('not-found', `There is no payment ${id}.`);
        return payment;
      },
      draw(payment, page) {
        const { say } = page;
        const acts = payment.acts.map(
          ({ act, what }) => html`<li>${actForm(act, page)}<span class="muted about">${what}</span></li>`,
        );
        const canAssign = payment.acts.some(({ act }) => act === 'assign');
        return html`<ol class="sentences">${join(
          payment.sentences.map((sentence) => html`<li>${sentence}</li>`),
          '',
        )}</ol>
<h2>${say('decide')}</h2>${acts.length > 0 ? html`<ul class="list acts">${join(acts, '')}</ul>` : emptyState(say('nothingHelps'))}
${canAssign || payment.candidates.length > 0 || payment.missing.length > 0 ? candidates(payment, canAssign, page) : ''}
<h2>${say('facts')}</h2>${facts(payment, page)}
<h2>${say('messages')}</h2>${messages(payment, page)}
<h2>${say('trail')}</h2>${trail(payment, page)}`;
      },
    }),
  ],
});

type Word =
  | 'assign'
  | 'bought'
  | 'candidates'
  | 'created'
  | 'customer'
  | 'ends'
  | 'fate'
  | 'invoice'
  | 'lost'
  | 'noCandidates'
  | 'noMessages'
  | 'noTrail'
  | 'notKnown'
  | 'paid'
  | 'panel'
  | 'price'
  | 'reasons'
  | 'sent'
  | 'status'
  | 'waiting'
  | 'what'
  | 'when';
type PaymentPage = Page<Word, 'assign' | 'assignTo' | 'check' | 'close' | 'extend' | 'given'>;

const actForm = (act: DeskAct, page: Pick<PaymentPage, 'form'>): Html => page.form(act === 'assign' ? 'assignTo' : act);

function candidates({ candidates: all, missing }: DeskPayment, canAssign: boolean, page: PaymentPage): Html {
  const { form, say } = page;
  const table = dataTable({
    caption: say('candidates'),
    rows: all,
    idOf: ({ panelUser: id }) => `candidate-${id}`,
    columns: [
      {
        heading: say('panel'),
        cell: ({ status, username }) =>
          html`<a href="/customers?q=${encodeURIComponent(username)}">${username}</a> <span class="muted">${status}</span>`,
      },
      { heading: say('ends'), cell: ({ expireAt }) => timeAt(expireAt, page) },
      { heading: say('reasons'), cell: ({ reasons }) => reasons.join('; ') },
      {
        heading: '',
        kind: 'actions',
        cell: ({ panelUser: user, username }) =>
          canAssign ? form('assign', { key: user, hidden: { user }, about: username }) : '',
      },
    ],
  });
  const gone = missing.map((sentence) => html`<li class="muted">${sentence}</li>`);
  return html`<h2>${say('candidates')}</h2>${all.length > 0 ? table : emptyState(say('noCandidates'))}${
    gone.length > 0 ? html`<ul>${join(gone, '')}</ul>` : ''
  }`;
}

function facts(payment: DeskPayment, page: PaymentPage): Html {
  const { locale, say } = page;
  const { createdAt, customer, id, invoice, invoiceId, panelUser: user, price } = payment;
  const who = customer.username ?? customer.telegramId ?? customer.id;
  const rows: [string, Html | string][] = [
    [say('status'), paymentBadge(payment, locale)],
    [
      say('customer'),
      html`<a href="/customers?q=${encodeURIComponent(String(customer.telegramId ?? who))}">${who}</a>`,
    ],
    [say('panel'), user ?? '–'],
    [say('price'), priceText(price, locale)],
    [say('bought'), boughtText(payment, locale)],
    [say('created'), timeAt(createdAt, page)],
    [say('invoice'), html`${invoiceId ?? '–'}, ${invoiceText(invoice, page)}`],
    ['id', html`<code>${id}</code>`],
  ];
  return html`<dl class="facts">${join(
    rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`),
    '',
  )}</dl>`;
}

function invoiceText(invoice: DeskPayment['invoice'], page: PaymentPage): Html {
  const { locale, say } = page;
  if ('problem' in invoice) return html`<span class="muted">${say('notKnown', invoice.problem)}</span>`;
  const { paid, paidAt, price, status } = invoice;
  return html`${status}, ${priceText(paid ?? price, locale)}${paidAt ? html`, ${say('paid')} ${timeAgo(paidAt, page)}` : ''}`;
}

function messages({ messages: all }: DeskPayment, page: PaymentPage): Html {
  const { say } = page;
  if (all.length === 0) return emptyState(say('noMessages'));
  const badge = { sent: ['good', 'sent'], pending: ['warn', 'waiting'], failed: ['bad', 'lost'] } as const;
  return dataTable({
    caption: say('what'),
    rows: all,
    idOf: ({ type }) => `message-${type}`,
    columns: [
      { heading: say('what'), cell: ({ type }) => type },
      { heading: say('when'), cell: ({ createdAt, sentAt }) => timeAgo(sentAt ?? createdAt, page) },
      {
        heading: say('fate'),
        cell: ({ error, status }) =>
          html`${stateBadge(badge[status][0], say(badge[status][1]))}${error ? html` <span class="muted">${error}</span>` : ''}`,
      },
    ],
  });
}

function trail({ audits }: DeskPayment, page: PaymentPage): Html {
  if (audits.length === 0) return emptyState(page.say('noTrail'));
  const lines = audits.map(
    ({ action, at, newValue }) =>
      html`<li>${at ? timeAt(at, page) : '?'} <strong>${action}</strong> <code class="wrap">${JSON.stringify(newValue)}</code></li>`,
  );
  return html`<ol class="list">${join(lines, '')}</ol>`;
}

/** What the desk answered. A refusal is told beside the button. */
function done(answer: DeskAnswer): Done {
  if (answer.outcome === 'refused')
    throw new Problem(answer.because === 'not_possible' ? 'conflict' : 'not-found', answer.sentence);
  return { receipt: answer.sentence, act: 'recorded' };
}

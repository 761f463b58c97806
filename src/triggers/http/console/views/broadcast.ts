import { z } from 'zod';
import { days, seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { LOCALES } from '../../../../lib/locale.ts';
import { durationText, numberText, percentText } from '../../../../lib/quantities.ts';
import { SegmentConditions } from '../../../../lib/segment.ts';
import { visibleText } from '../../../../lib/telegram-html.ts';
import type { PlannedBroadcast } from '../../../../repositories/history/planned-broadcasts.ts';
import { type BroadcastEstimate, MOST_DAYS_AHEAD } from '../../../broadcasts.ts';
import { secondYesFor } from '../../api/broadcasts.ts';
import { keptHistory } from '../../api/kept-history.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import type { HttpContext } from '../../context.ts';
import { Problem } from '../../problem.ts';
import { broadcastBadge, conditionsText } from '../broadcast-words.ts';
import { dataTable } from '../components/data-table.ts';
import { figureTiles } from '../components/figures.ts';
import { personOf } from '../components/people.ts';
import { emptyState, progressBar } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

const MISSED_SHOWN = 50;

/** The states that each wish leads to. */
const ENDS = { pause: ['paused'], resume: ['scheduled', 'sending'], cancel: ['cancelled'] } as const;

/** One broadcast: whom it reaches before it is sent, how far it is meanwhile, who missed it and what it earned afterwards. */
export default defineView({
  path: '/broadcasts/:id',
  needs: 'admin',
  texts: {
    title: { en: 'Broadcast', ru: 'Рассылка' },
    who: { en: 'Whom it reaches', ru: 'До кого дойдёт' },
    conditions: { en: 'Conditions', ru: 'Условия' },
    missedBy: { en: 'Who missed it', ru: 'Кто не получил' },
    text: { en: 'Text', ru: 'Текст' },
    begun: {
      en: 'It has begun; the figures above are what became of it.',
      ru: 'Рассылка началась; что из неё вышло — в цифрах выше.',
    },
    chats: { en: 'chats', ru: 'чаты' },
    get: { en: 'get it', ru: 'получат' },
    heldOut: { en: 'get nothing by choice', ru: 'не получат намеренно' },
    unreachable: { en: 'cannot be reached', ru: 'недоступны' },
    withoutValues: { en: 'lack what the text names', ru: 'нет данных для текста' },
    took: { en: 'until the last is out', ru: 'до последнего' },
    delivered: { en: 'delivered', ru: 'доставлено' },
    waiting: { en: 'still to be sent', ru: 'ещё отправляются' },
    failed: { en: 'not taken', ru: 'не доставлено' },
    withdrawn: { en: 'withdrawn', ru: 'отозвано' },
    paidTold: { en: 'of them paid within % days', ru: 'из них оплатили за % дн.' },
    paidHeld: { en: 'of those who got nothing', ru: 'из тех, кто не получил' },
    sample: { en: 'The first, as they read it', ru: 'Первые, как они прочтут' },
    chat: { en: 'Chat', ru: 'Чат' },
    reason: { en: 'Why', ru: 'Почему' },
    nobody: { en: 'Nobody meets the conditions now.', ru: 'Сейчас под условия не подходит никто.' },
    nobodyMissed: { en: 'Nobody is known to have missed it.', ru: 'О тех, кто не получил, неизвестно.' },
    again: { en: 'Write to them again', ru: 'Написать им снова' },
    change: { en: 'Change', ru: 'Изменить' },
    send: { en: 'Send', ru: 'Отправить' },
    sureSend: {
      en: 'It goes to % chats; % cannot be reached. Send it?',
      ru: 'Получат чатов: %; недоступны: %. Отправить?',
    },
    sent: { en: 'It is on its way.', ru: 'Рассылка запущена.' },
    planned: { en: 'It will be sent at its time.', ru: 'Рассылка уйдёт в назначенное время.' },
    tooFar: { en: 'The time must be within % days.', ru: 'Время — в пределах % дней.' },
    test: { en: 'Send a test', ru: 'Отправить пробное' },
    tested: { en: 'The test is on its way.', ru: 'Пробное сообщение отправлено.' },
    pause: { en: 'Pause', ru: 'Пауза' },
    resume: { en: 'Go on', ru: 'Продолжить' },
    cancel: { en: 'Cancel', ru: 'Отменить' },
    sureCancel: {
      en: 'What is not sent yet is withdrawn; this cannot be taken back. Cancel it?',
      ru: 'Неотправленное будет отозвано, вернуть это нельзя. Отменить рассылку?',
    },
    said: { en: 'It is done.', ru: 'Сделано.' },
    tooLate: {
      en: 'It is in another state by now; nothing was changed.',
      ru: 'Состояние рассылки уже другое; ничего не изменено.',
    },
    none: { en: 'There is no broadcast %.', ru: 'Рассылки % нет.' },
  },
  params: z.object({ id: z.guid() }),

  deeds: ({ deed }) => {
    const say = (act: 'pause' | 'resume' | 'cancel') =>
      deed({
        needs: 'admin',
        label: act,
        ...(act === 'cancel' && { tone: 'bad' as const }),
        ...(act === 'cancel' && { ask: (_context: HttpContext, { page }) => page.say('sureCancel') }),
        async run(context, { caller, page, params: { id } }) {
          await found(context, id, page);
          const state = await context.broadcasts.say(id, act, callerOf(caller));
          if (!ENDS[act].some((one) => one === state)) throw new Problem('conflict', page.say('tooLate'));
          const details = { state };
          return {
            receipt: page.say('said'),
            act: { action: `broadcast.${act}`, entityType: 'broadcast', entityId: id, details },
          };
        },
      });
    return {
      send: deed({
        needs: 'admin',
        label: 'send',
        form: {
          schema: z.object({ at: z.iso.datetime().optional() }),
          fields: { at: { kind: 'moment', label: { en: 'At; empty: now', ru: 'Когда; пусто — сейчас' } } },
        },
        async ask(context, { page, params: { id } }) {
          const { parts } = await context.broadcasts.estimate(planOf(await found(context, id, page)));
          const unreached = parts.unreachable + parts.without_values;
          return page.say('sureSend', numberText(parts.told, page.locale), numberText(unreached, page.locale));
        },
        async run(context, { audit, caller, form, page, params: { id } }) {
          const broadcast = await found(context, id, page);
          const at = form.at ? new Date(form.at) : page.now;
          if (at.getTime() - page.now.getTime() > days(MOST_DAYS_AHEAD))
            throw new Problem('bad-request', page.say('tooFar', MOST_DAYS_AHEAD));
          const asks = { at: form.at ? at : undefined, audit, caller: callerOf(caller) };
          if (await secondYesFor(context, broadcast, asks))
            return { receipt: page.say('waitsForSecond', broadcast.name), act: 'recorded', goTo: '/approvals' };
          const state = await context.broadcasts.send(id, at, callerOf(caller));
          if (state !== 'scheduled') throw new Problem('conflict', page.say('tooLate'));
          return {
            receipt: page.say(at > page.now ? 'planned' : 'sent'),
            act: { action: 'broadcast.sent', entityType: 'broadcast', entityId: id, details: { at: at.toISOString() } },
          };
        },
      }),
      test: deed({
        needs: 'admin',
        label: 'test',
        form: {
          schema: z.object({ chat: z.int().positive() }),
          fields: {
            chat: { kind: 'number', required: true, label: { en: 'Your Telegram id', ru: 'Ваш Telegram id' } },
          },
        },
        async run(context, { caller, form: { chat }, page, params: { id } }) {
          const { texts } = await found(context, id, page);
          for (const locale of LOCALES) {
            const text = texts[locale];
            if (text) await context.broadcasts.test(text, locale, chat, callerOf(caller));
          }
          return {
            receipt: page.say('tested'),
            act: { action: 'broadcast.tested', entityType: 'broadcast', entityId: id, details: { chat } },
          };
        },
      }),
      pause: say('pause'),
      resume: say('resume'),
      cancel: say('cancel'),
    };
  },

  parts: ({ part }) => [
    part({
      name: 'broadcast',
      everyMs: seconds(5),
      load: (context, { page, params: { id } }) =>
        fromHistory(context, async () => {
          const broadcast = await found(context, id, page);
          const [look, parts, earned] = await Promise.all([
            context.broadcasts.look(id),
            context.broadcasts.planned.countParts(id),
            context.broadcasts.earned(broadcast),
          ]);
          return { broadcast, look, parts, earned };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ broadcast, earned, look, parts }) => {
          const { form, locale, say } = page;
          const { createdAt, createdBy, id, name, segment, sendAt, sentBy, state, texts } = broadcast;
          const n = (count: number): string => numberText(count, locale);
          const isOpen = state === 'scheduled' || state === 'sending' || state === 'paused';
          const buttons = [
            ...(state === 'draft'
              ? [html`<a class="button" href="/broadcasts/new?of=${id}">${say('change')}</a>`]
              : []),
            ...(state === 'scheduled' || state === 'sending' ? [form('pause')] : []),
            ...(state === 'paused' ? [form('resume')] : []),
            ...(isOpen || state === 'draft' ? [form('cancel')] : []),
          ];
          const done = look.sent + look.failed + look.withdrawn;
          const progress = look.total > 0 && isOpen ? progressBar(done, look.total, name, page) : '';
          const figures = figureTiles(
            [
              { name: say('delivered'), value: n(look.sent || parts.told) },
              ...(isOpen ? [{ name: say('waiting'), value: n(look.pending + look.paused) }] : []),
              { name: say('failed'), value: n(Math.max(look.failed, parts.missed)) },
              ...(parts.withdrawn > 0 ? [{ name: say('withdrawn'), value: n(parts.withdrawn) }] : []),
              { name: say('unreachable'), value: n(parts.unreachable) },
              ...(parts.without_values > 0 ? [{ name: say('withoutValues'), value: n(parts.without_values) }] : []),
              ...(parts.held_out > 0 ? [{ name: say('heldOut'), value: n(parts.held_out) }] : []),
              ...(earned
                ? [
                    { name: say('paidTold', earned.days), value: paidText(earned.told, page) },
                    ...(parts.held_out > 0 ? [{ name: say('paidHeld'), value: paidText(earned.heldOut, page) }] : []),
                  ]
                : []),
            ],
            page,
          );
          const written = LOCALES.flatMap((one) => {
            const text = texts[one];
            return text
              ? [
                  html`<figure class="message" lang="${one}"><figcaption class="muted">${one}</figcaption><p class="wrap">${text}</p></figure>`,
                ]
              : [];
          });
          return html`<p><strong>${name}</strong> ${broadcastBadge(state, locale)} ${timeAt(sendAt ?? createdAt, page)} <span class="muted">${personOf(sentBy ?? createdBy)}</span></p>
<div class="actions">${join(buttons, '')}</div>${progress}${state === 'draft' || state === 'scheduled' ? '' : figures}
<h2>${say('conditions')}</h2>${conditionsText(segment, locale)}<h2>${say('text')}</h2>${join(written, '')}`;
        }),
    }),
    part({
      name: 'estimate',
      heading: 'who',
      load: (context, { page, params: { id } }) =>
        fromHistory(context, async () => {
          const broadcast = await found(context, id, page);
          const isOver = broadcast.begunAt !== undefined || broadcast.state === 'cancelled';
          const estimate = isOver ? undefined : await context.broadcasts.estimate(planOf(broadcast));
          return { estimate, state: broadcast.state };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ estimate, state }) => {
          if (!estimate) return emptyState(page.say('begun'));
          const forms = state === 'draft' ? html`${page.form('test')}${page.form('send')}` : '';
          return html`${estimateOf(estimate, forms, page)}`;
        }),
    }),
    part({
      name: 'missed',
      heading: 'missedBy',
      load: (context, { page, params: { id } }) =>
        fromHistory(context, async () => {
          await found(context, id, page);
          return { id, missed: await context.broadcasts.planned.missed(id, 0, MISSED_SHOWN) };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ id, missed }) => {
          const { say } = page;
          if (missed.length === 0) return emptyState(say('nobodyMissed'));
          const table = dataTable({
            caption: say('missedBy'),
            rows: missed,
            idOf: ({ chat }) => `missed-${chat}`,
            columns: [
              { heading: say('chat'), cell: ({ chat }) => html`<a href="/customers?q=${chat}">${chat}</a>` },
              { heading: say('reason'), cell: ({ reason }) => reason },
            ],
          });
          return html`${table}<p><a class="button" href="/broadcasts/new?missed=${id}">${say('again')}</a></p>`;
        }),
    }),
  ],
});

type Word =
  | 'chat'
  | 'chats'
  | 'get'
  | 'heldOut'
  | 'nobody'
  | 'none'
  | 'sample'
  | 'text'
  | 'took'
  | 'unreachable'
  | 'withoutValues';

function estimateOf(estimate: BroadcastEstimate, forms: Html | string, page: Page<Word>): Html {
  const { locale, say } = page;
  const { chats, parts, sample, tookMs, unreachable } = estimate;
  if (chats === 0) return html`${emptyState(say('nobody'))}${forms}`;
  const n = (count: number): string => numberText(count, locale);
  const reasons = Object.entries(unreachable).map(([reason, count]) => `${reason}: ${n(count)}`);
  const tiles = figureTiles(
    [
      { name: say('chats'), value: n(chats) },
      { name: say('get'), value: n(parts.told) },
      { name: say('unreachable'), value: n(parts.unreachable) },
      ...(parts.held_out > 0 ? [{ name: say('heldOut'), value: n(parts.held_out) }] : []),
      ...(parts.without_values > 0 ? [{ name: say('withoutValues'), value: n(parts.without_values) }] : []),
      { name: say('took'), value: durationText(tookMs, locale) },
    ],
    page,
  );
  const table = dataTable({
    caption: say('sample'),
    rows: sample,
    idOf: ({ chat }) => `sample-${chat}`,
    columns: [
      {
        heading: say('chat'),
        cell: ({ chat, username }) => html`<a href="/customers?q=${chat}">${username ?? chat}</a>`,
      },
      { heading: say('text'), cell: ({ text }) => html`<span class="wrap">${visibleText(text)}</span>` },
    ],
  });
  return html`${tiles}${reasons.length > 0 ? html`<p class="muted">${reasons.join('; ')}</p>` : ''}${forms}<h3>${say('sample')}</h3>${table}`;
}

function paidText({ chats, paid }: { chats: number; paid: number }, { locale }: Page): string {
  const share = chats === 0 ? undefined : percentText((paid / chats) * 100, locale);
  return share === undefined ? numberText(paid, locale) : `${numberText(paid, locale)} (${share})`;
}

async function found(context: HttpContext, id: string, page: Page<Word>): Promise<PlannedBroadcast> {
  await keptHistory(context);
  const broadcast = await context.broadcasts.planned.find(id);
  if (!broadcast) throw new Problem('not-found', page.say('none', id));
  return broadcast;
}

const planOf = ({ holdoutPercent, id, segment, texts }: PlannedBroadcast) => ({
  ...{ holdoutPercent, id, texts },
  segment: SegmentConditions.parse(segment),
});

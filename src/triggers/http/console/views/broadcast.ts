import { z } from 'zod';
import { days, seconds } from '../../../../lib/duration.ts';
import { html, join } from '../../../../lib/html.ts';
import { LOCALES } from '../../../../lib/locale.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { SegmentConditions } from '../../../../lib/segment.ts';
import type { PlannedBroadcast } from '../../../../repositories/history/planned-broadcasts.ts';
import { MOST_DAYS_AHEAD } from '../../../broadcasts.ts';
import { secondYesFor } from '../../api/broadcasts.ts';
import { keptHistory } from '../../api/kept-history.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import type { HttpContext } from '../../context.ts';
import { Problem } from '../../problem.ts';
import { BROADCAST_TEXTS, HELD_WORDS } from '../broadcast-texts.ts';
import { type BroadcastWord, deletionFigures, estimateOf, paidText } from '../broadcast-tiles.ts';
import { broadcastBadge, conditionsText, messagePreview } from '../broadcast-words.ts';
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
  texts: BROADCAST_TEXTS,
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
          const { estimate } = await context.broadcasts.counted(planOf(await found(context, id, page)), false);
          const { parts } = estimate;
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
          await found(context, id, page);
          await context.broadcasts.test(id, chat, callerOf(caller));
          return {
            receipt: page.say('tested'),
            act: { action: 'broadcast.tested', entityType: 'broadcast', entityId: id, details: { chat } },
          };
        },
      }),
      count: deed({
        needs: 'admin',
        label: 'count',
        async run(context, { page, params: { id } }) {
          await context.broadcasts.counted(planOf(await found(context, id, page)), true);
          const act = { action: 'broadcast.counted', entityType: 'broadcast', entityId: id } as const;
          return { receipt: page.say('counted'), act };
        },
      }),
      remove: deed({
        needs: 'admin',
        label: 'remove',
        tone: 'bad',
        async ask(context, { page, params: { id } }) {
          await found(context, id, page);
          const { left, unknown } = await context.broadcasts.deletions(id);
          return page.say('sureRemove', numberText(left, page.locale), numberText(unknown, page.locale));
        },
        async run(context, { caller, page, params: { id } }) {
          await found(context, id, page);
          if (!(await context.broadcasts.deleteSent(id, callerOf(caller))))
            throw new Problem('conflict', page.say('tooLate'));
          const act = { action: 'broadcast.deleted', entityType: 'broadcast', entityId: id } as const;
          return { receipt: page.say('removing'), act };
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
          const [look, deletions, parts, earned] = await Promise.all([
            context.broadcasts.look(id),
            broadcast.deletionAskedAt ? context.broadcasts.deletions(id) : undefined,
            context.broadcasts.planned.countParts(id),
            context.broadcasts.earned(broadcast),
          ]);
          return { broadcast, deletions, look, parts, earned };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ broadcast, deletions, earned, look, parts }) => {
          const { form, locale, say } = page;
          const { createdAt, createdBy, heldBecause, id, name, paidMessages, segment, sendAt, sentBy, state } =
            broadcast;
          const n = (count: number): string => numberText(count, locale);
          const isOpen = state === 'scheduled' || state === 'sending' || state === 'paused';
          const buttons = [
            ...(state === 'draft'
              ? [html`<a class="button" href="/broadcasts/new?of=${id}">${say('change')}</a>`]
              : []),
            ...(state === 'scheduled' || state === 'sending' ? [form('pause')] : []),
            ...(state === 'paused' ? [form('resume')] : []),
            ...(isOpen || state === 'draft' ? [form('cancel')] : []),
            ...(broadcast.begunAt && broadcast.endedAt && !broadcast.deletionAskedAt ? [form('remove')] : []),
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
              ...(paidMessages > 0 ? [{ name: say('paid'), value: n(paidMessages) }] : []),
              ...(deletions ? deletionFigures(deletions, page) : []),
              ...(earned
                ? [
                    { name: say('paidTold', earned.days), value: paidText(earned.told, page) },
                    ...(parts.held_out > 0 ? [{ name: say('paidHeld'), value: paidText(earned.heldOut, page) }] : []),
                  ]
                : []),
            ],
            page,
          );
          const held = heldBecause && HELD_WORDS[heldBecause][locale];
          const written = LOCALES.map((one) => messagePreview(broadcast, one, say('picture')));
          return html`<p><strong>${name}</strong> ${broadcastBadge(state, locale)} ${timeAt(sendAt ?? createdAt, page)} <span class="muted">${personOf(sentBy ?? createdBy)}</span></p>${held ? html`<p class="bad" role="status">${held}</p>` : ''}
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
          const counted = isOver ? undefined : await context.broadcasts.counted(planOf(broadcast), false);
          const quiet = context.broadcasts.quietUntil(broadcast.sendAt ?? page.now);
          return { counted, quiet, state: broadcast.state };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ counted, quiet, state }) => {
          if (!counted) return emptyState(page.say('begun'));
          const forms = state === 'draft' ? html`${page.form('test')}${page.form('send')}` : '';
          const later = quiet ? html`<p>${page.say('quiet')} ${timeAt(quiet, page)}</p>` : '';
          const when = html`<p class="muted">${page.say('countedAt')} ${timeAt(counted.at, page)}</p>${page.form('count')}`;
          return html`${estimateOf(counted, html`${when}${later}${forms}`, page)}`;
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

async function found(context: HttpContext, id: string, page: Page<BroadcastWord>): Promise<PlannedBroadcast> {
  await keptHistory(context);
  const broadcast = await context.broadcasts.planned.find(id);
  if (!broadcast) throw new Problem('not-found', page.say('none', id));
  return broadcast;
}

const planOf = ({ holdoutPercent, id, segment, starsLimit, texts }: PlannedBroadcast) => ({
  ...{ holdoutPercent, id, starsLimit, texts },
  segment: SegmentConditions.parse(segment),
});

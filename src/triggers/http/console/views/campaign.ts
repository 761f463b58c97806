import { z } from 'zod';
import { seconds } from '../../../../lib/duration.ts';
import { type Html, html, join } from '../../../../lib/html.ts';
import { numberText } from '../../../../lib/quantities.ts';
import { visibleText } from '../../../../lib/telegram-html.ts';
import type { Campaign } from '../../../../repositories/history/campaigns.ts';
import type { CampaignEstimate } from '../../../campaigns.ts';
import { keptHistory } from '../../api/kept-history.ts';
import { callerOf } from '../../auth/audited-caller.ts';
import type { HttpContext } from '../../context.ts';
import { Problem } from '../../problem.ts';
import {
  audienceText,
  campaignBadge,
  campaignName,
  distanceText,
  earnedText,
  renewedText,
  ruleText,
  writtenTexts,
} from '../campaign-words.ts';
import { dataTable } from '../components/data-table.ts';
import { figureTiles } from '../components/figures.ts';
import { personOf } from '../components/people.ts';
import { emptyState } from '../components/states.ts';
import { timeAt } from '../components/times.ts';
import { defineView, type Page } from '../define-view.ts';
import { drawHistory, fromHistory } from '../history-part.ts';

/** The state that each wish leads to. */
const ENDS = { start: 'running', pause: 'paused', end: 'ended' } as const;

/** One campaign: whom it would write to now, how many got each step, and what it earned against those who got nothing. */
export default defineView({
  path: '/campaigns/:id',
  needs: 'admin',
  texts: {
    title: { en: 'Campaign', ru: 'Кампания' },
    now: { en: 'Whom it would write to now', ru: 'Кому она написала бы сейчас' },
    audience: { en: 'For whom', ru: 'Для кого' },
    steps: { en: 'Steps', ru: 'Шаги' },
    income: { en: 'What it earned', ru: 'Что она принесла' },
    at: { en: 'At', ru: 'Когда' },
    text: { en: 'Text', ru: 'Текст' },
    told: { en: 'told', ru: 'написано' },
    heldOut: { en: 'got nothing by choice', ru: 'намеренно не получили' },
    last: { en: 'Last', ru: 'Последний раз' },
    get: { en: 'get it', ru: 'получат' },
    unreachable: { en: 'cannot be reached', ru: 'недоступны' },
    withoutValues: { en: 'lack what the text names', ru: 'нет данных для текста' },
    capped: { en: 'have had enough this week', ru: 'на этой неделе уже достаточно' },
    customer: { en: 'Customer', ru: 'Клиент' },
    nobody: { en: 'Nobody is at a step now.', ru: 'Сейчас никто не на шаге.' },
    ended: { en: 'It has ended.', ru: 'Кампания завершена.' },
    builtIn: {
      en: 'Built in: the worker sends these reminders itself, with its own texts. Pause it, or make your own in its place.',
      ru: 'Встроена: воркер сам присылает эти напоминания, со своими текстами. Поставьте на паузу или сделайте свою вместо неё.',
    },
    own: { en: 'Make my own', ru: 'Сделать свою' },
    renewedTold: { en: 'renewed within % days, written to', ru: 'продлили за % дн., кому написано' },
    renewedHeld: { en: 'of those who got nothing', ru: 'из тех, кто не получил' },
    earned: { en: 'earned', ru: 'принесла' },
    noHoldout: {
      en: 'Nobody whose days are over was held out, so there is nothing to compare with.',
      ru: 'Среди тех, чей срок прошёл, никого не оставили без сообщения: сравнить не с чем.',
    },
    change: { en: 'Change', ru: 'Изменить' },
    start: { en: 'Start', ru: 'Запустить' },
    sureStart: {
      en: 'It would write to % customers now, and to others as they come to its steps. Start it?',
      ru: 'Сейчас получат: %, а затем другие, когда дойдут до её шагов. Запустить?',
    },
    pause: { en: 'Pause', ru: 'Пауза' },
    end: { en: 'End', ru: 'Завершить' },
    sureEnd: {
      en: 'It writes to nobody any more; this cannot be taken back. End it?',
      ru: 'Она больше никому не напишет, вернуть это нельзя. Завершить?',
    },
    said: { en: 'It is done.', ru: 'Сделано.' },
    tooLate: {
      en: 'It is in another state by now; nothing was changed.',
      ru: 'Состояние уже другое; ничего не изменено.',
    },
    none: { en: 'There is no campaign %.', ru: 'Кампании % нет.' },
  },
  params: z.object({ id: z.guid() }),

  deeds: ({ deed }) => {
    const say = (wish: keyof typeof ENDS) =>
      deed({
        needs: 'admin',
        label: wish,
        ...(wish === 'end' && { tone: 'bad' as const }),
        async ask(context, { page, params: { id } }) {
          if (wish === 'end') return page.say('sureEnd');
          const campaign = await found(context, id, page);
          if (wish === 'pause' || context.campaigns.isBuiltIn(id) || campaign.state !== 'paused') return undefined;
          const { parts } = await context.campaigns.estimate(campaign);
          return page.say('sureStart', numberText(parts.told, page.locale));
        },
        async run(context, { caller, page, params: { id } }) {
          await found(context, id, page);
          const state = await context.campaigns.say(id, wish, callerOf(caller));
          if (state !== ENDS[wish]) throw new Problem('conflict', page.say('tooLate'));
          return {
            receipt: page.say('said'),
            act: { action: `campaign.${wish}`, entityType: 'campaign', entityId: id, details: { state } },
          };
        },
      });
    return { start: say('start'), pause: say('pause'), end: say('end') };
  },

  parts: ({ part }) => [
    part({
      name: 'campaign',
      everyMs: seconds(15),
      load: (context, { page, params: { id } }) =>
        fromHistory(context, async () => {
          const campaign = await found(context, id, page);
          const steps = await context.campaigns.steps(id);
          return { campaign, steps, isBuiltIn: context.campaigns.isBuiltIn(id) };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ campaign, isBuiltIn, steps }) => {
          const { form, locale, say } = page;
          const { changedAt, changedBy, createdAt, createdBy, id, state, trigger } = campaign;
          const n = (count: number): string => numberText(count, locale);
          const own = isBuiltIn ? `/campaigns/new?like=${id}` : `/campaigns/new?of=${id}`;
          const buttons = [
            ...(state === 'paused' ? [form('start')] : []),
            ...(state === 'running' ? [form('pause')] : []),
            ...(state === 'ended'
              ? []
              : [html`<a class="button" href="${own}">${say(isBuiltIn ? 'own' : 'change')}</a>`]),
            ...(state === 'ended' || isBuiltIn ? [] : [form('end')]),
          ];
          const done = new Map(steps.map((one) => [one.step, one]));
          const table = dataTable({
            caption: say('steps'),
            rows: campaign.steps,
            idOf: ({ at }) => `step-${at}`,
            columns: [
              { heading: say('at'), cell: ({ at }) => distanceText(trigger, at, locale) },
              { heading: say('text'), cell: ({ texts }) => writtenTexts(texts) },
              { heading: say('told'), cell: ({ at }) => (isBuiltIn ? '–' : n(done.get(at)?.told ?? 0)) },
              { heading: say('heldOut'), cell: ({ at }) => n(done.get(at)?.heldOut ?? 0) },
              {
                heading: say('last'),
                cell: ({ at }) => {
                  const last = done.get(at)?.lastAt;
                  return last ? timeAt(last, page) : '–';
                },
              },
            ],
          });
          return html`<p><strong>${campaignName(campaign, isBuiltIn, locale)}</strong> ${campaignBadge(state, locale)} ${ruleText(campaign, locale)} ${timeAt(changedAt ?? createdAt, page)} <span class="muted">${personOf(changedBy ?? createdBy)}</span></p>
${isBuiltIn ? html`<p class="muted">${say('builtIn')}</p>` : ''}<div class="actions">${join(buttons, '')}</div>${table}<h2>${say('audience')}</h2>${audienceText(campaign, locale)}`;
        }),
    }),
    part({
      name: 'now',
      heading: 'now',
      load: (context, { page, params: { id } }) =>
        fromHistory(context, async () => {
          const campaign = await found(context, id, page);
          if (context.campaigns.isBuiltIn(id)) return 'builtIn' as const;
          if (campaign.state === 'ended') return 'ended' as const;
          return { campaign, estimate: await context.campaigns.estimate(campaign) };
        }),
      draw: (from, page) =>
        drawHistory(from, page.locale, (answer) =>
          typeof answer === 'string' ? emptyState(page.say(answer)) : estimateOf(answer, page),
        ),
    }),
    part({
      name: 'income',
      heading: 'income',
      load: (context, { page, params: { id } }) =>
        fromHistory(context, async () => context.campaigns.income(await found(context, id, page))),
      draw: (from, page) =>
        drawHistory(from, page.locale, ({ days, earned, groups: { heldOut, told } }) => {
          const { locale, say } = page;
          const tiles = figureTiles(
            [
              { name: say('renewedTold', days), value: renewedText(told, locale) },
              { name: say('renewedHeld'), value: renewedText(heldOut, locale) },
              { name: say('earned'), value: earnedText(earned, locale) },
            ],
            page,
          );
          return html`${tiles}${earned ? '' : html`<p class="muted">${say('noHoldout')}</p>`}`;
        }),
    }),
  ],
});

type Word =
  | 'at'
  | 'capped'
  | 'customer'
  | 'get'
  | 'heldOut'
  | 'nobody'
  | 'none'
  | 'now'
  | 'text'
  | 'unreachable'
  | 'withoutValues';

function estimateOf(
  { campaign, estimate }: { campaign: Campaign; estimate: CampaignEstimate },
  page: Page<Word>,
): Html {
  const { locale, say } = page;
  const { parts, sample, steps } = estimate;
  if (Object.values(parts).every((count) => count === 0)) return emptyState(say('nobody'));
  const n = (count: number): string => numberText(count, locale);
  const some = (name: Word, count: number) => (count > 0 ? [{ name: say(name), value: n(count) }] : []);
  const tiles = figureTiles(
    [
      { name: say('get'), value: n(parts.told) },
      ...some('heldOut', parts.held_out),
      ...some('unreachable', parts.unreachable),
      ...some('withoutValues', parts.without_values),
      ...some('capped', parts.capped),
    ],
    page,
  );
  const each = steps.map(({ at, told }) => `${distanceText(campaign.trigger, at, locale)}: ${n(told)}`).join('; ');
  const table = dataTable({
    caption: say('now'),
    rows: sample,
    idOf: ({ at, username }) => `sample-${username}-${at}`,
    columns: [
      {
        heading: say('customer'),
        cell: ({ chat, username }) => html`<a href="/customers?q=${chat}">${username}</a>`,
      },
      { heading: say('at'), cell: ({ at }) => distanceText(campaign.trigger, at, locale) },
      { heading: say('text'), cell: ({ text }) => html`<span class="wrap">${visibleText(text)}</span>` },
    ],
  });
  return html`${tiles}<p class="muted">${each}</p>${sample.length > 0 ? table : ''}`;
}

async function found(context: HttpContext, id: string, page: Page<Word>): Promise<Campaign> {
  await keptHistory(context);
  const campaign = await context.campaigns.campaigns.find(id);
  if (!campaign) throw new Problem('not-found', page.say('none', id));
  return campaign;
}

import { rowsPrefix } from '../../domain/notifications/broadcast-ids.ts';
import { EstimateFields } from '../../lib/broadcast-estimate.ts';
import { days, minutes } from '../../lib/duration.ts';
import { LOCALES } from '../../lib/locale.ts';
import { pictureFacts } from '../../lib/picture-facts.ts';
import { quietUntil } from '../../lib/quiet-hours.ts';
import { uuidFrom } from '../../lib/uuid.ts';
import { ZonedClock } from '../../lib/zoned-clock.ts';
import { wrongVariables } from '../../messages/broadcast-text.ts';
import { whyCaptionTooLong, whyTooLong } from '../../messages/size.ts';
import type { BroadcastDraft } from '../../repositories/history/planned-broadcasts.ts';
import controlBulkBroadcast from '../../tasks/bulk/control-bulk-broadcast.ts';
import testBroadcast from '../../tasks/notifications/test-broadcast.ts';
import type { BroadcastPlan, BroadcastsContext, CountedEstimate, DraftProblem } from '../../triggers/broadcasts.ts';
import type { App } from '../build-app.ts';
import { carryOut } from './broadcast-deeds.ts';

/** The days after a message in which a payment counts as earned by it. */
const EARNED_DAYS = 7;

/** A segment over all users of a large panel is read in well under this. */
const ESTIMATE_LIMIT_MS = minutes(2);

/** The state in which the messages follow a wish. */
const MOVED = { pause: 'paused', resume: 'sending', cancel: 'cancelled' } as const;

/** https://core.telegram.org/bots/api#sendphoto */
const PICTURE = { bytes: 10 * 1024 * 1024, sides: 10_000, ratio: 20 };

/** Planned broadcasts as doors see them. */
export function broadcastsOf(app: App, source: 'cli' | 'http'): BroadcastsContext {
  const { config, dispatcher, parts, services } = app;
  const { broadcastComposer: composer, broadcastDeliveries, broadcasts, plannedBroadcasts: planned } = services;
  const { figures, pictures, segments } = parts.broadcastParts;
  const zone = new ZonedClock(config.TIME_ZONE);
  const now = (): Date => parts.foundation.clock.now();
  const estimate: BroadcastsContext['estimate'] = (plan) =>
    composer.estimate(plan, now(), AbortSignal.timeout(ESTIMATE_LIMIT_MS));
  const counting = new Map<string, Promise<CountedEstimate>>();

  async function counted(plan: BroadcastPlan): Promise<CountedEstimate> {
    const at = now();
    const fresh = await estimate(plan);
    await figures.keepEstimate(plan.id, fresh, at);
    return { estimate: fresh, at };
  }

  async function draftProblem({ picture, starsLimit, texts }: BroadcastDraft): Promise<DraftProblem | undefined> {
    if (starsLimit !== undefined && config.TELEGRAM_PAID_RATE_PER_SECOND === undefined)
      return {
        field: 'paid',
        why: {
          en: 'needs TELEGRAM_PAID_RATE_PER_SECOND, which is not set',
          ru: 'требует TELEGRAM_PAID_RATE_PER_SECOND, а она не задана',
        },
      };
    if (picture === undefined) return undefined;
    if (!(await pictures.find(picture)))
      return { field: 'picture', why: { en: 'is not there; upload it first', ru: 'не найдена; сначала загрузите её' } };
    for (const locale of LOCALES) {
      const why = whyCaptionTooLong(composer.longest(texts[locale] ?? '', locale, now()));
      if (why === undefined) continue;
      const ru = 'с самыми длинными данными клиента не помещается под картинку: там не больше 1024 знаков';
      return { field: `texts.${locale}`, why: { en: `${why}, with the longest values of customers`, ru } };
    }
    return undefined;
  }

  return {
    ...{ draftProblem, estimate, pictures, planned, segments },
    hasPaidRate: config.TELEGRAM_PAID_RATE_PER_SECOND !== undefined,
    add: (id, draft, by) => planned.add(id, rowsPrefix(id), draft, by),
    async counted(plan, isAnew) {
      const kept = isAnew ? undefined : await figures.estimateOf(plan.id);
      const read = EstimateFields.safeParse(kept?.estimate);
      if (kept && read.success) return { estimate: read.data, at: kept.at };
      // A page that is opened by many reads the panel once.
      const others = counting.get(plan.id) ?? counted(plan).finally(() => counting.delete(plan.id));
      counting.set(plan.id, others);
      return await others;
    },
    async keepPicture(content, by) {
      const facts = pictureFacts(content);
      if (!facts) return { problem: 'no_picture' };
      if (content.length > PICTURE.bytes) return { problem: 'too_big' };
      const { height, width } = facts;
      const ratio = Math.max(width, height) / Math.min(width, height);
      if (width + height > PICTURE.sides || ratio > PICTURE.ratio) return { problem: 'wrong_sides' };
      const id = uuidFrom(Buffer.from(content).toString('latin1'));
      await pictures.add(id, content, facts, by);
      return { id };
    },
    quietUntil: (at) => (config.QUIET_HOURS ? quietUntil(at, config.QUIET_HOURS, zone) : undefined),
    preview: (text, locale) => composer.preview(text, locale, now()),
    whyWrong: (text, locale) => whyTooLong(text, 'HTML') ?? wrongVariables(text, locale),
    async test(id, chat, initiatedBy) {
      const payload = { broadcast_id: id, telegram_id: chat };
      return (await dispatcher.dispatch(testBroadcast, payload, { source, initiatedBy })).jobId;
    },
    async send(id, at, by, content) {
      const isScheduled = await carryOut(app, { act: 'send', id, at, by, content }, source);
      return isScheduled ? 'scheduled' : (await planned.find(id))?.state;
    },
    async say(id, action, initiatedBy) {
      const state = await planned.say(id, action);
      // Messages in the queue are held or withdrawn now, and not when its job looks the next time. A wish that came too late moves none.
      if (state === MOVED[action])
        await dispatcher.dispatch(controlBulkBroadcast, { broadcast_id: id, action }, { source, initiatedBy });
      return state;
    },
    deleteSent: (id, by) => carryOut(app, { act: 'delete', id, by }, source),
    deletions: (id) => broadcastDeliveries.countDeletions(id),
    look: (id) => broadcasts.look(id),
    async earned({ begunAt, id }) {
      if (!begunAt) return undefined;
      const to = new Date(begunAt.getTime() + days(EARNED_DAYS));
      return { ...(await figures.earned(id, begunAt, to)), days: EARNED_DAYS };
    },
  };
}

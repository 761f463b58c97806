import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { days, hours, minutes, seconds } from '../../lib/duration.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { campaignTexts, type NewCampaign, payAt, startCampaign } from '../../testing/campaign-world.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';
import { collect } from '../../testing/test-panel.ts';

describe('run_campaigns', () => {
  let world: SubscriptionWorld;
  beforeEach(async () => {
    world = await subscriptionWorld(3, { CAMPAIGN_WEEKLY_CAP: '3' });
    await installOwnSchema(world.app.app.parts.foundation.database);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await world[Symbol.asyncDispose]();
  });

  const start = (given: NewCampaign) => startCampaign(world, given);
  const services = () => world.app.app.services;
  const run = (now = world.panel.now()) => world.run('run_campaigns', { now });
  const texts = () => campaignTexts(world);
  /** Half a minute later: the panel is asked again, and what was put off is due. */
  async function halfAMinuteLater(): Promise<void> {
    const real = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => real() + seconds(31));
    await world.app.database.pool.query(`update notification_queue set scheduled_at = now() where status = 'pending'`);
  }
  const ago = (ms: number): number => world.panel.now().getTime() - ms;
  const at = (ms: number): Date => new Date(world.panel.now().getTime() + ms);

  test('each rule finds those whom it is about, at the step that they are at, and nobody else', async () => {
    world.customer('ends_5h', { endsInMs: hours(5), telegramId: 11 });
    world.customer('ends_2d', { endsInMs: days(2), telegramId: 12 });
    world.customer('ends_9d', { endsInMs: days(9), telegramId: 13 });
    world.customer('over_1h', { endsInMs: -hours(1), telegramId: 14, status: 'EXPIRED' });
    world.customer('over_30h', { endsInMs: -hours(30), telegramId: 15, status: 'EXPIRED' });
    world.customer('over_banned', { endsInMs: -hours(30), telegramId: 16, status: 'DISABLED' });
    world.customer('over_long', { endsInMs: -days(20), telegramId: 17, status: 'EXPIRED' });
    const far = { endsInMs: days(90), onlineAt: ago(hours(1)) };
    world.customer('new_3h', { ...far, onlineAt: null, createdAt: ago(hours(3)), telegramId: 21 });
    world.customer('new_now', { ...far, onlineAt: null, createdAt: ago(minutes(5)), telegramId: 22 });
    world.customer('new_long', { ...far, onlineAt: null, createdAt: ago(days(30)), telegramId: 23 });
    const limited = { ...far, trafficLimitBytes: 1000 };
    world.customer('used_79', { ...limited, usedTrafficBytes: 799, telegramId: 31 });
    world.customer('used_80', { ...limited, usedTrafficBytes: 800, telegramId: 32 });
    world.customer('used_97', { ...limited, usedTrafficBytes: 970, telegramId: 33 });
    world.customer('used_all', { ...limited, usedTrafficBytes: 1000, status: 'LIMITED', telegramId: 34 });
    world.customer('unlimited', { ...far, usedTrafficBytes: 9e12, telegramId: 35 });
    world.customer('quiet_8d', { ...far, onlineAt: ago(days(8)), telegramId: 41 });
    world.customer('quiet_3d', { ...far, onlineAt: ago(days(3)), telegramId: 42 });
    world.customer('nobody', { endsInMs: hours(5), telegramId: null });
    await start({ trigger: 'before_end', at: [72, 6] });
    await start({ trigger: 'after_end', at: [24, 1] });
    await start({ trigger: 'not_connected', at: [2] });
    await start({ trigger: 'traffic', at: [80, 95, 100] });
    await start({ trigger: 'silent', at: [7] });
    expect(await run()).toMatchObject({ checked: 18, queued: 9, without_telegram: 1, held: 0 });
    expect(await texts()).toEqual([
      '11 at 6: ends_5h',
      '12 at 72: ends_2d',
      '14 at 1: over_1h',
      '15 at 24: over_30h',
      '21 at 2: new_3h',
      '32 at 80: used_80',
      '33 at 95: used_97',
      '34 at 100: used_all',
      '41 at 7: quiet_8d',
    ]);
    expect(await run()).toMatchObject({ queued: 0 });
  });

  test('the text is the reader’s, a name is escaped, a value that is not known keeps it back', async () => {
    const { pool } = world.app.database;
    world.customer('<b>&😀', { endsInMs: days(2) - minutes(1), telegramId: 11 });
    world.customer('ivan', { endsInMs: days(2) - minutes(1), telegramId: 12 });
    await pool.query(
      `insert into admin_users (id, login, email, password_hash, telegram_id, role, is_active, language, totp_enabled, is_email_verified)
       values (gen_random_uuid(), 'ivan', 'i@example.com', 'x', 12, 'viewer', true, 'ru', false, false)`,
    );
    await start({
      trigger: 'before_end',
      at: [72],
      texts: { en: 'Hi {username}, {days_left}', ru: 'Осталось {days_left}' },
    });
    const both = await start({ trigger: 'before_end', at: [73], text: 'plan {plan}', inPlaceOfBuiltIn: false });
    const russian = await start({ trigger: 'before_end', at: [74], audience: { languages: ['ru'] } });
    expect(await run()).toMatchObject({ queued: 3, without_values: 2 });
    expect(await texts()).toEqual([
      '11 at 72: Hi &lt;b&gt;&amp;😀, 2 days',
      '12 at 72: Осталось 2 дня',
      '12 at 74: ivan',
    ]);
    for (const id of [both, russian]) await services().campaigns.say(id, 'end', 'token:olga');
  });

  test('killed half-way, by two at once, in an emptied Redis: each step once and nobody left out', async () => {
    for (let chat = 1; chat <= 1_200; chat += 1)
      world.customer(`k${chat}`, { endsInMs: chat <= 600 ? days(2) : days(200), telegramId: chat });
    const id = await start({ trigger: 'before_end', at: [72], text: 'x' });
    const now = world.panel.now();
    // The owner has said yes to so many.
    await run();
    const { brake } = services();
    expect((await brake.list()).map(({ name }) => name)).toEqual(['run_campaigns']);
    expect(await texts()).toEqual([]);
    await brake.confirm('run_campaigns', now);
    const kill = new AbortController();
    const dying = world.run('run_campaigns', { now, signal: kill.signal });
    while ((await services().campaignSends.countSteps(id)).length === 0) await services().campaigns.find(id);
    kill.abort(new Error('killed'));
    await dying.catch(() => undefined);
    await Promise.allSettled([run(), run()]);
    await world.app.redis.client.flushall();
    expect(await run()).toMatchObject({ queued: 0 });
    const { rows } = await world.app.database.pool.query(
      'select count(*)::int as rows, count(distinct telegram_id)::int as chats from notification_queue where notification_type = $1',
      [`campaign:${id}:72`],
    );
    expect(rows).toEqual([{ rows: 600, chats: 600 }]);
    expect(await services().campaignSends.countSteps(id)).toMatchObject([{ step: 72, told: 600 }]);
  });

  test('nobody gets more than the cap in a week, built-in reminders counted; what waits is told while it is due', async () => {
    world.customer('anna', { endsInMs: days(6), telegramId: 11, onlineAt: ago(days(7)) });
    for (let n = 0; n < 4; n += 1) await start({ trigger: 'silent', at: [7] });
    await world.run('check_expiring_subscriptions');
    const [first, second] = await Promise.all([run(), run()]);
    expect(Number(first.queued) + Number(second.queued)).toBe(2);
    expect(await run()).toMatchObject({ queued: 0, capped: 2 });

    world.customer('boris', { endsInMs: days(14), telegramId: 12 });
    for (const day of [20, 19, 18, 17]) await start({ trigger: 'before_end', at: [24 * day], inPlaceOfBuiltIn: false });
    expect(await run()).toMatchObject({ queued: 3, capped: 3 });
    // A clock that ran ahead and was put back makes no room.
    expect(await run(at(-minutes(30)))).toMatchObject({ queued: 0 });
    world.panel.advance(days(7) - minutes(1));
    expect(await run()).toMatchObject({ queued: 0 });
    world.panel.advance(minutes(2));
    expect(await run()).toMatchObject({ queued: 1, capped: 0 });
  });

  test('who renewed between queue and sending gets nothing more, of several subscriptions the others do', async () => {
    world.customer('anna', { endsInMs: days(2), telegramId: 11 });
    world.customer('anna_2', { endsInMs: days(2) + minutes(5), telegramId: 11 });
    world.customer('boris', { endsInMs: days(2), telegramId: 12 });
    const id = await start({ trigger: 'before_end', at: [72, 24], text: '{username} ends' });
    expect(await run()).toMatchObject({ queued: 2 });
    expect(await texts()).toEqual(['11 at 72: anna ends\nanna_2 ends', '12 at 72: boris ends']);
    for (const name of ['anna', 'boris']) world.panel.changeUser(name, { expireAt: at(days(40)).getTime() });
    expect(await world.deliver()).toEqual([]);
    expect(await run()).toMatchObject({ queued: 1 });
    expect(await world.deliver()).toEqual(['anna_2 ends']);
    expect(await run()).toMatchObject({ queued: 0 });
    expect(await services().campaignSends.countSteps(id)).toMatchObject([{ told: 3 }]);
  });

  test('while the panel is away a message to who has paid since waits, and all others get theirs', async () => {
    world.customer('anna', { endsInMs: days(2), telegramId: 11 });
    world.customer('boris', { endsInMs: days(2), telegramId: 12 });
    await start({ trigger: 'before_end', at: [72] });
    expect(await run()).toMatchObject({ queued: 2 });
    await payAt(world, 11, at(minutes(1)));
    await payAt(world, 12, at(-days(28)));
    world.panel.faults({ kind: 'error', status: 503 });
    expect(await world.deliver()).toEqual(['boris']);
    const { rows } = await world.app.database.pool.query(
      `select telegram_id, attempts, scheduled_at - now() between interval '25 seconds' and interval '31 seconds' as is_soon
         from notification_queue where status = 'pending'`,
    );
    expect(rows).toEqual([{ telegram_id: '11', attempts: 0, is_soon: true }]);
  });

  test.each([
    ['of the two', 'anna', []],
    ['of a third', 'anna_3', ['anna\nanna_2']],
  ])('who pays for one subscription %s while the panel is away is told of the others', async (_, renewed, joined) => {
    for (const name of ['anna', 'anna_2']) world.customer(name, { endsInMs: days(2), telegramId: 11 });
    world.customer('anna_3', { endsInMs: days(9), telegramId: 11 });
    const id = await start({ trigger: 'before_end', at: [72] });
    expect(await run()).toMatchObject({ queued: 1 });
    await payAt(world, 11, at(minutes(1)));
    world.panel.changeUser(renewed, { expireAt: at(days(40)).getTime() });
    world.panel.faults({ kind: 'error', status: 503 });
    expect(await world.deliver()).toEqual([]);
    world.panel.faults();
    await halfAMinuteLater();
    expect(await world.deliver()).toEqual(joined);
    await run();
    expect(await world.deliver()).toEqual(joined.length > 0 ? joined : ['anna_2']);
    expect(await services().campaignSends.countSteps(id)).toMatchObject([{ told: 2 }]);
  });

  test('later steps of a silence end when the customer renews', async () => {
    world.customer('anna', { endsInMs: days(20), telegramId: 11, onlineAt: ago(days(7)) });
    world.customer('boris', { endsInMs: days(20), telegramId: 12, onlineAt: ago(days(7)) });
    await start({ trigger: 'silent', at: [7, 14] });
    expect(await run()).toMatchObject({ queued: 2 });
    world.panel.changeUser('anna', { expireAt: at(days(50)).getTime() });
    world.panel.advance(days(7));
    expect(await run()).toMatchObject({ queued: 1 });
    expect((await texts()).filter((text) => text.includes('at 14'))).toEqual(['12 at 14: boris']);
  });

  test('the built-in and a campaign in its place tell nobody one thing twice, whichever way it is switched', async () => {
    const builtIn = '00000000-0000-8000-8000-000000000001';
    const kinds = async () =>
      (await world.messages()).map(({ notification_type: type, telegram_id: chat }) => `${chat} ${type.split(':')[0]}`);
    world.customer('anna', { endsInMs: days(2), telegramId: 11 });
    await world.run('check_expiring_subscriptions');
    const id = await start({ trigger: 'before_end', at: [72, 24] });
    expect(await run()).toMatchObject({ queued: 0 });
    world.customer('boris', { endsInMs: days(2), telegramId: 12 });
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 0 });
    expect(await run()).toMatchObject({ queued: 1 });
    await services().campaigns.say(id, 'end', 'token:olga');
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 0 });
    expect(await kinds()).toEqual(['11 reminder', '12 campaign']);
    // Switched off, nobody is reminded; of the end itself and of traffic customers are told as ever.
    expect(await services().campaigns.say(builtIn, 'pause', 'token:olga')).toBe('paused');
    world.customer('clara', { endsInMs: days(2), telegramId: 13 });
    world.customer('dmitri', {
      endsInMs: days(90),
      telegramId: 14,
      status: 'LIMITED',
      trafficLimitBytes: 1,
      usedTrafficBytes: 1,
    });
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 1 });
    expect(await services().campaigns.say(builtIn, 'end', 'token:olga')).toBe('paused');
    await services().campaigns.say(builtIn, 'start', 'token:olga');
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 1 });
    // Used-up traffic is told by the campaign that has a step for it, where it runs.
    await start({ trigger: 'traffic', at: [100] });
    world.customer('elena', {
      endsInMs: days(90),
      telegramId: 15,
      status: 'LIMITED',
      trafficLimitBytes: 1,
      usedTrafficBytes: 1,
    });
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 0 });
    expect(await run()).toMatchObject({ queued: 1 });
  });

  test('a campaign for some leaves the built-in reminders to all others', async () => {
    world.customer('anna', { endsInMs: days(2), telegramId: 11, tag: 'PRO' });
    world.customer('boris', { endsInMs: days(2), telegramId: 12 });
    await start({ trigger: 'before_end', at: [72], audience: { tags: ['PRO'] } });
    expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 1 });
    expect(await run()).toMatchObject({ queued: 1 });
  });

  test('paused or changed while it runs it queues nothing by the old rules, and what is queued is withdrawn', async () => {
    world.customer('anna', { endsInMs: days(2), telegramId: 11 });
    const id = await start({ trigger: 'before_end', at: [72], text: 'old' });
    const { campaignPlanner, campaigns, campaignSends } = services();
    const [before] = await campaigns.running();
    const old = await collect(campaignPlanner.groups([before!], world.panel.now(), AbortSignal.timeout(10_000)));
    const { id: _, ...draft } = before!;
    expect(await campaigns.change(id, { ...draft, steps: [{ at: 72, texts: { en: 'new' } }] }, 'token:olga')).toBe(
      true,
    );
    expect(await campaigns.change(id, { ...draft, trigger: 'silent' }, 'token:olga')).toBe(false);
    const batch = { messages: old.flatMap(({ steps }) => steps), heldOut: [] };
    expect(await campaignSends.record(batch, { now: world.panel.now(), weeklyCap: 3 })).toEqual({
      queued: 0,
      capped: 0,
    });
    expect(await run()).toMatchObject({ queued: 1 });
    await campaigns.say(id, 'pause', 'token:olga');
    expect(await world.deliver()).toEqual([]);
    expect(await run()).toMatchObject({ queued: 0, checked: 0 });
    expect((await world.messages())[0]).toMatchObject({ status: 'failed', message: 'new' });
    expect(await campaigns.say(id, 'end', 'token:olga')).toBe('ended');
    expect(await campaigns.say(id, 'start', 'token:olga')).toBe('ended');
  });

  test('who is held out, refused, or has paid gets nothing, and is counted', async () => {
    for (let chat = 1; chat <= 40; chat += 1) world.customer(`h${chat}`, { endsInMs: days(2), telegramId: chat });
    await services().delivery.marks.markUnreachable(7, 'blocked');
    const id = await start({
      id: '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b01',
      trigger: 'before_end',
      at: [72],
      holdoutPercent: 20,
    });
    const dry = await world.app.run('run_campaigns', { dry_run: true }, { now: world.panel.now() });
    const result = await run();
    expect(dry).toMatchObject({ would_touch: result.queued });
    expect(Number(result.queued) + Number(result.held_out) + Number(result.unreachable)).toBe(40);
    expect(Number(result.held_out)).toBeGreaterThan(2);
    expect(await services().campaignSends.countSteps(id)).toMatchObject([
      { told: result.queued, heldOut: result.held_out },
    ]);
    expect(await run()).toMatchObject({ queued: 0, held_out: 0, unreachable: 1 });
  });

  test('an odd user keeps nobody else waiting; a panel that is down or lies makes no run', async () => {
    world.crowd(60);
    world.customer('odd', { endsInMs: days(2), telegramId: 10 });
    world.customer('anna', { endsInMs: days(2), telegramId: 11 });
    await start({ trigger: 'before_end', at: [72] });
    world.panel.lie({ kind: 'odd', path: '/api/users', of: 'odd', set: { expireAt: 'soon' } });
    expect(await run()).toMatchObject({ checked: 61, unreadable: 1, queued: 1 });
    world.panel.faults();
    world.panel.lie({ kind: 'empty', path: '/api/users' });
    expect(await run()).toMatchObject({ queued: 0, held: 1 });
    world.panel.faults();
    world.panel.faults({ kind: 'error', status: 503 });
    await expect(run()).rejects.toThrow();
    expect(await world.deliver(11)).toEqual(['anna']);
    world.panel.faults();
    expect(await run()).toMatchObject({ queued: 1 });
  });

  test('what it earned is told against those who got nothing, the same by page, API and report', async () => {
    const id = '5f0c6f2e-6f0d-4c55-9d3c-2f6f0d9a7b01';
    for (let chat = 1; chat <= 40; chat += 1) world.customer(`h${chat}`, { endsInMs: days(2), telegramId: chat });
    await start({ id, trigger: 'before_end', at: [72], holdoutPercent: 20 });
    const now = new Date('2026-03-11T10:00:00Z');
    for (let chat = 1; chat <= 40; chat += 1) world.panel.changeUser(`h${chat}`, { expireAt: now.getTime() + days(2) });
    const { held_out: held, queued } = (await run(now)) as { held_out: number; queued: number };
    const { rows } = await world.app.database.pool.query<{ chat: string; part: string }>(
      'select chat, part from task_worker.campaign_sends order by chat',
    );
    const chatsOf = (part: string) => rows.filter((row) => row.part === part).map(({ chat }) => Number(chat));
    const [told, heldOut] = [chatsOf('told'), chatsOf('held_out')];
    const day = (n: number): Date => new Date(now.getTime() + days(n));
    for (const chat of told.slice(0, 8)) await payAt(world, chat, day(1), { amount: '12.50' });
    // Twice is one renewal; before, later than a week, and for somebody else is none.
    await payAt(world, told[0]!, day(3), { amount: '2.5' });
    await payAt(world, told[9]!, day(-1));
    await payAt(world, told[10]!, day(8));
    await payAt(world, told[11]!, day(1), { mode: 'gift_purchase' });
    await payAt(world, heldOut[0]!, day(6), { amount: '10' });
    const [week] = await Promise.all([services().reports.readWeek('2026-03-22', new Date('2026-03-23T07:00:00Z'))]);
    const share = queued / held;
    const renewals = Math.round((8 - share) * 10) / 10;
    const amount = (102.5 - 10 * share).toFixed(2);
    expect(week.week.campaigns).toEqual([
      {
        ...{ id, name: 'before_end' },
        groups: {
          told: { customers: queued, renewed: 8, income: [{ currency: 'USD', amount: '102.5' }] },
          heldOut: { customers: held, renewed: 1, income: [{ currency: 'USD', amount: '10' }] },
        },
        earned: { renewals, income: [{ currency: 'USD', amount }] },
      },
    ]);
    for (const [locale, said] of [
      ['en', `earned: <b>${renewals}</b> renewals, ${amount} USD`],
      ['ru', 'Кампании: написано неделей раньше'],
    ] as const)
      expect(
        (await services().reports.readText({ kind: 'week', date: '2026-03-22' }, now, locale))?.toString(),
      ).toContain(said);
    expect((await services().reports.readWeek('2026-03-15', now)).week.campaigns).toBeUndefined();
  });
});

test('without our own schema there are no campaigns, and the reminders are as ever', async () => {
  await using world = await subscriptionWorld(2);
  world.customer('anna', { endsInMs: days(2), telegramId: 11 });
  expect(await world.run('run_campaigns')).toMatchObject({ checked: 0, queued: 0 });
  expect(await world.run('check_expiring_subscriptions')).toMatchObject({ reminded: 1 });
});

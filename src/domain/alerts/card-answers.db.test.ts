import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hours } from '../../lib/duration.ts';
import { type DeskWorld, deskWorld } from '../../testing/desk-world.ts';
import { STAFF_ENV, staffBot } from '../../testing/staff-bot.ts';
import { type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const TASK = 'disable_expired_users';
const LATE = 60;
const OVER = 'This is over: there is nothing to decide any more.';

describe('a run that is held', () => {
  let world: SubscriptionWorld;
  let staff: ReturnType<typeof staffBot>;
  let listening: AsyncDisposable;
  beforeAll(async () => {
    world = await subscriptionWorld(3, STAFF_ENV);
    staff = staffBot(world.app);
    listening = staff.listen();
    world.crowd(100);
    for (let i = 0; i < LATE; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
  });
  afterAll(async () => {
    await listening[Symbol.asyncDispose]();
    await world[Symbol.asyncDispose]();
  });

  test('is let run or not by one of two admins, once, and an older message decides nothing', async () => {
    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });
    await staff.deliver();
    expect(staff.latest('owner').buttons).toEqual(['Let it run', 'Not this time', 'Acknowledge', 'Open']);
    const { id: messageId } = staff.latest('admin');

    const no = await staff.tap('admin', 'Not this time');
    expect(no).toBe('⏹ Declined by @admin.');
    expect(staff.latest('owner')).toMatchObject({
      text: expect.stringContaining('⏹ Declined by @admin'),
      buttons: ['Acknowledge', 'Open'],
    });
    expect(await world.run(TASK)).toMatchObject({ held: 1, disabled: 0 });

    const older = await staff.tap('admin', { data: dataOf(staff, 'Acknowledge').replace('ack', 'go') }, { messageId });
    expect(older).toMatch(/^⏹ Declined by @admin, /);
  });

  test('that is told again is decided by the new message', async () => {
    await world.app.redis.client.flushall();
    await world.app.database.pool.query('truncate notification_queue cascade');
    expect(await world.run(TASK)).toMatchObject({ held: 1 });
    await staff.deliver();
    const { brake } = world.app.app.services;
    expect(await brake.list()).toHaveLength(1);
    expect(await staff.tap('owner', 'Let it run')).toBe('▶️ Let run by @owner.');
    expect(await world.run(TASK)).toMatchObject({ held: 0, disabled: LATE });
    expect(await brake.list()).toEqual([]);
  });

  test('that somebody decided at the console is over', async () => {
    await world.app.redis.client.flushall();
    await world.app.database.pool.query('truncate notification_queue cascade');
    for (let i = 0; i < LATE; i += 1) world.customer(`more_${i}`, { endsInMs: -hours(1) });
    expect(await world.run(TASK)).toMatchObject({ held: 1 });
    await staff.deliver();
    await world.app.app.services.brake.confirm(TASK, world.panel.now(), 'not_this_time');
    expect(await staff.tap('owner', 'Let it run')).toBe(OVER);
  });
});

describe('a payment that waits for a person', () => {
  let desk: DeskWorld;
  let staff: ReturnType<typeof staffBot>;
  let listening: AsyncDisposable;
  beforeAll(async () => {
    desk = await deskWorld(3, 'worker', STAFF_ENV);
    staff = staffBot(desk.world.app);
    listening = staff.listen();
  });
  afterAll(async () => {
    await listening[Symbol.asyncDispose]();
    await desk[Symbol.asyncDispose]();
  });

  test('is checked by its button, as at the desk, and is listed by the command', async () => {
    const { payment } = await desk.stuck('unresolved, none');
    await staff.deliver();
    expect(staff.latest('support').buttons).toEqual(['Acknowledge', 'Check payment', 'Open']);
    expect(await staff.tap('support', 'Check payment')).toBe('🔎 Check asked for by @support.');
    expect(staff.latest('owner').text).toContain('🔎 Check asked for by @support');
    const { rows } = await desk.world.app.database.pool.query(
      "select new_value ->> 'by' as by from audit_logs where action = 'payment.check_asked'",
    );
    expect(rows).toContainEqual({ by: 'telegram:9' });
    expect(await staff.ask('support', '/payments')).toContain(payment.id.slice(0, 8));
  });
});

/** What a button of the owner's newest message tells the bot. */
function dataOf({ messagesTo }: ReturnType<typeof staffBot>, text: string): string {
  const markup = messagesTo('admin').at(-1)!.reply_markup as {
    inline_keyboard: { text: string; callback_data: string }[][];
  };
  return markup.inline_keyboard.flat().find((button) => button.text === text)!.callback_data;
}

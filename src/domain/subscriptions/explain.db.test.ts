import { describe, expect, test } from 'vitest';
import { runCommandLine } from '../../app/command-line.ts';
import { days, hours, minutes } from '../../lib/duration.ts';
import { GENERATIONS, type SubscriptionWorld, subscriptionWorld } from '../../testing/subscription-world.ts';

const REMIND = 'check_expiring_subscriptions';
const DISABLE = 'disable_expired_users';

/** What a command prints, and how it ends. */
async function cli(world: SubscriptionWorld, ...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCommandLine(argv, {
    env: world.app.env,
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    stop: new Promise(() => undefined),
  });
  return { code, out: out.join(''), err: err.join('') };
}

const never = new AbortController().signal;
const sentences = async (world: SubscriptionWorld, who: string): Promise<string> => {
  const found = await world.app.app.parts.explain.user(who, world.panel.now(), never);
  return found.flatMap((user) => user.sentences).join('\n');
};

describe.each(GENERATIONS)('on panel %i.x', (generation) => {
  test('explain user: what was sent, what is not due yet, and that nobody was disabled', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(20) });
    await world.run(REMIND);
    await world.deliver(anna.telegramId!);

    const byName = await cli(world, 'explain', 'user', 'anna');

    expect(byName).toMatchObject({ code: 0, err: '' });
    expect(byName.out).toMatch(/anna \(panel user [\w-]+\) is ACTIVE; the time ends .* UTC, in 20 hours\./);
    expect(byName.out).toContain(`Telegram id ${anna.telegramId}, as the panel has it.`);
    expect(byName.out).toMatch(/Reminder 24h: queued .* UTC, sent .* UTC\./);
    expect(byName.out).toMatch(/Reminder 7d: its time was .*; there is no record/);
    expect(byName.out).toMatch(/Reminder 6h: not yet; it is due from/);
    expect(byName.out).toContain('Not disabled: the time is not over.');
    expect((await cli(world, 'explain', 'user', String(anna.telegramId))).out).toBe(byName.out);
    expect(JSON.parse((await cli(world, 'explain', 'user', '@anna', '--json')).out)).toMatchObject([
      { username: 'anna' },
    ]);
  });

  test('explain user: that a notice waits for the end of the quiet hours, before and after it was put off', async () => {
    const quiet = { TIME_ZONE: 'Europe/Moscow', QUIET_HOURS: '22:00-09:00' };
    // 03:00 in Moscow; they end at 06:00 in UTC.
    await using world = await subscriptionWorld(generation, quiet, new Date('2026-03-10T00:00:00Z'));
    world.customer('anna', { endsInMs: hours(20) });
    const used = { trafficLimitBytes: 10, usedTrafficBytes: 10, status: 'LIMITED' } as const;
    world.customer('boris', { ...used, endsInMs: days(20), onlineAt: world.panel.now().getTime() });
    await world.run(REMIND);
    // The rows come into being by the clock of the database.
    const dueAt = (at: string) =>
      world.app.database.pool.query('update notification_queue set scheduled_at = $1', [at]);
    await dueAt('2026-03-10T00:00:00Z');
    const reminder =
      /Reminder 24h: queued .* UTC, waiting for the end of the quiet hours \(QUIET_HOURS\), 2026-03-10 06:00 UTC\./;
    expect(await sentences(world, 'anna')).toMatch(reminder);
    expect(await sentences(world, 'boris')).toMatch(/used-up traffic: queued .* UTC, waiting to be sent/);
    await dueAt('2026-03-10T06:00:00.4Z');
    expect(await sentences(world, 'anna')).toMatch(reminder);
    const telling = { locale: 'ru', time: (at: Date) => at.toISOString() } as const;
    const [russian] = await world.app.app.parts.explain.user('anna', world.panel.now(), never, telling);
    expect(russian!.sentences.join(' ')).toContain('ждёт конца тихих часов (QUIET_HOURS), 2026-03-10T06:00:00.000Z');
    world.panel.advance(hours(7));
    expect(await sentences(world, 'anna')).toMatch(/Reminder 24h: queued .* UTC, waiting to be sent, due/);
  });

  test('explain user: whether the traffic is used up and who was told', async () => {
    await using world = await subscriptionWorld(generation);
    const used = { endsInMs: days(20), trafficLimitBytes: 10, usedTrafficBytes: 10, status: 'LIMITED' } as const;
    world.customer('anna', used);
    world.customer('boris', { ...used, onlineAt: world.panel.now().getTime() - days(3) });
    world.customer('clara', { endsInMs: days(20) });
    const of = async (who: string) => (await sentences(world, who)).match(/Notice of used-up traffic: .*/)?.[0];
    expect(await of('anna')).toContain('check_expiring_subscriptions has not run since');
    await world.run(REMIND);
    expect(await of('anna')).toMatch(/queued .* UTC, waiting to be sent/);
    expect(await of('boris')).toContain('last online over 48 hours ago');
    expect(await of('clara')).toBeUndefined();
  });

  test('explain user: disabled by the worker, by the panel, by somebody else', async () => {
    await using world = await subscriptionWorld(generation);
    world.customer('anna', { endsInMs: -hours(1) });
    world.customer('boris', { endsInMs: -hours(1), status: 'EXPIRED' });
    world.customer('clara', { endsInMs: -hours(1), status: 'DISABLED' });
    await world.run(DISABLE);
    const anna = await sentences(world, 'anna');
    expect(anna).toMatch(/Disabled by the worker .* UTC: still ACTIVE after its time ended .* UTC\./);
    expect(anna).toMatch(/Notice of the end: queued .* UTC, waiting to be sent/);
    expect(anna).toMatch(/Event subscription\.disabled at/);
    expect(await sentences(world, 'boris')).toContain('the panel itself marked this user EXPIRED');
    const clara = await sentences(world, 'clara');
    expect(clara).toContain('DISABLED, but not by this worker');
    expect(clara).toContain('none, because somebody else disabled this user');
  });

  test('explain user: renewed in time, blocked, unknown', async () => {
    await using world = await subscriptionWorld(generation);
    const anna = world.customer('anna', { endsInMs: hours(5) });
    world.customer('nobody', { endsInMs: hours(5), telegramId: null });
    world.customer('blocker', { endsInMs: hours(5), telegramId: 66 });
    await world.app.redis.client.set('cybervpn:unreachable:66', 'blocked');
    await world.run(REMIND);
    const expireAt = anna.expireAt;
    world.panel.changeUser('anna', { expireAt: expireAt + days(30) });
    await world.deliver();
    world.panel.changeUser('anna', { expireAt });
    expect(await sentences(world, 'anna')).toContain('not sent: by its turn the subscription was renewed');
    expect(await sentences(world, 'nobody')).toContain('not queued, because no Telegram id is known');
    expect(await sentences(world, 'blocker')).toContain('not queued, because Telegram refuses this chat');
    expect(await cli(world, 'explain', 'user', 'stranger')).toMatchObject({
      code: 1,
      out: "The panel has no user with Telegram id or name 'stranger'.\n",
    });
  });
});

describe('why not', () => {
  test('the brake holds, the task is off, or it has not run yet', async () => {
    await using world = await subscriptionWorld(3);
    for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
    expect(await sentences(world, 'late_1')).toContain('disable_expired_users has not run since');
    await world.run(DISABLE);
    expect(await sentences(world, 'late_1')).toMatch(
      /not disabled, because disable_expired_users is held since .* 60 of 60/,
    );

    await using off = await subscriptionWorld(3, { DISABLED_TASKS: REMIND });
    off.customer('anna', { endsInMs: hours(5) });
    expect(await sentences(off, 'anna')).toContain('not queued, because check_expiring_subscriptions is switched off');
  });

  test('a reminder whose row is cleaned up is still remembered, and one for a younger user never was due', async () => {
    await using world = await subscriptionWorld(3);
    world.customer('anna', { endsInMs: hours(5) });
    world.customer('young', { endsInMs: hours(5), createdAt: world.panel.now().getTime() - minutes(5) });
    await world.run(REMIND);
    await world.app.database.pool.query('truncate notification_queue cascade');
    expect(await sentences(world, 'anna')).toContain('Reminder 6h: queued for this expiry date; what became of it');
    expect(await sentences(world, 'young')).toMatch(/Reminder 7d: .*the user was made later/);
  });

  test('whose time ended long ago has no notice on record', async () => {
    await using world = await subscriptionWorld(3);
    world.customer('anna', { endsInMs: -days(9), status: 'EXPIRED' });
    expect(await sentences(world, 'anna')).toContain('none for this date on record');
  });
});

test('task-worker brake lists what is held with the exact command, and confirms it', async () => {
  await using world = await subscriptionWorld(3);
  expect((await cli(world, 'brake')).out).toBe('Nothing is held.\n');
  for (let i = 0; i < 60; i += 1) world.customer(`late_${i}`, { endsInMs: -hours(1) });
  await world.run(DISABLE);

  const listed = await cli(world, 'brake');
  expect(listed.out).toContain('disable_expired_users: would touch 60 of 60 users: too many at once, held since');
  expect(listed.out).toContain('task-worker brake confirm disable_expired_users go');
  expect(await cli(world, 'brake', 'confirm', DISABLE, 'drop')).toMatchObject({ code: 64 });
  expect(await cli(world, 'brake', 'confirm', REMIND, 'go')).toMatchObject({ code: 64 });
  expect(await cli(world, 'brake', 'confirm', DISABLE, 'go')).toMatchObject({
    code: 0,
    out: expect.stringContaining('may touch 60 of 60 users and runs now'),
  });
  expect(await world.run(DISABLE)).toMatchObject({ disabled: 60 });
});

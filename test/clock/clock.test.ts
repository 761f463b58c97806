import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSmtpSandbox } from '../../sandbox/smtp/server.ts';
import { hours, minutes, seconds } from '../../src/lib/duration.ts';
import { QUEUE_PREFIX, redisName, TICKS } from '../../src/runtime/queues.ts';
import { until } from '../../src/testing/until.ts';
import type { RoleProcess } from '../../src/testing/world/role-process.ts';
import { World } from '../../src/testing/world/world.ts';
import { FakeClock, findFaketime } from './faketime.ts';

const found = await findFaketime();
const library = 'library' in found ? found.library : '';
const title = 'skipped' in found ? `a clock that is set (SKIPPED: ${found.skipped})` : 'a clock that is set';

/** An hourly task must not run twice, and a task of every few seconds must never stand still. */
const HOURLY = 'check_expiring_subscriptions';
/** About a day: it has a run for each day that it missed. */
const DAILY = 'generate_daily_report';
const OFTEN = 'update_realtime_metrics';

describe.skipIf('skipped' in found)(title, () => {
  let world: World;
  let clock: FakeClock;
  let schedulers: RoleProcess[];
  /** A full hour, half an hour after the clock's first moment. */
  let hour: number;
  beforeAll(async () => {
    hour = Math.ceil((Date.now() + hours(1)) / hours(1)) * hours(1);
    clock = await FakeClock.start(library, hour - minutes(30) - Date.now());
    world = await World.start({
      env: {
        ...clock.env,
        LOG_LEVEL: 'DEBUG',
        [`SCHEDULE_${HOURLY.toUpperCase()}`]: '0 * * * *',
        [`SCHEDULE_${DAILY.toUpperCase()}`]: '0 * * * *',
        [`SCHEDULE_${OFTEN.toUpperCase()}`]: '1s',
      },
    });
    schedulers = [await world.startScheduler()];
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await clock?.[Symbol.asyncDispose]();
  });

  /** The slots of a task that made a job, over all processes. */
  const fired = (task: string): string[] =>
    schedulers.flatMap(({ log }) =>
      log.filter((line) => line.msg === 'slot fired' && line.task === task).map(({ slot }) => String(slot)),
    );
  const nextSlot = async (task: string): Promise<number> =>
    Number(await world.redisClient.zscore(`${QUEUE_PREFIX}:${redisName(TICKS)}:repeat`, task));
  const setClock = (to: number): Promise<void> => clock.set(to - Date.now());
  const slot = (ms: number): string => new Date(ms).toISOString();

  test('set back one hour: intervals go on at once, and a slot that comes a second time does not fire again', async () => {
    await until('the next slot is known', async () => (await nextSlot(HOURLY)) === hour);
    await setClock(hour - seconds(2));
    await until('the hour has struck', () => fired(HOURLY).includes(slot(hour)), seconds(60));
    await setClock(hour - hours(1) + seconds(5));
    const before = fired(OFTEN).length;
    // A scheduler checks when it starts, and every 20 s.
    schedulers.push(await world.startScheduler());
    await until('the interval goes on', () => fired(OFTEN).length > before + 2, seconds(60));

    await setClock(hour - seconds(4));
    const isRefused = ({ msg, task }: { msg: string; task?: unknown }): boolean =>
      task === HOURLY && msg.startsWith('this slot has fired before');
    await until('the hour strikes again', () => schedulers.some(({ log }) => log.some(isRefused)), seconds(60));
    expect(fired(HOURLY)).toEqual([slot(hour)]);
  });

  test('set forward one day: every schedule fires once for all that it missed, those about a day once for each, and goes on from there', async () => {
    const later = hour + hours(24) + minutes(30);
    await setClock(later);
    await until('the interval goes by the new clock', () => fired(OFTEN).some((one) => one > slot(later)), seconds(60));
    await until('the hourly schedule has fired', () => fired(HOURLY).length > 1, seconds(60));
    const before = fired(OFTEN).length;
    await until('the interval goes on', () => fired(OFTEN).length > before + 2);
    expect(fired(HOURLY)).toHaveLength(2);
    const missed = Array.from({ length: 24 }, (_, i) => slot(hour + hours(i + 1)).slice(0, 10));
    await until('each missed day has fired', () => fired(DAILY).length > new Set(missed).size);
    expect(
      fired(DAILY)
        .map((one) => one.slice(0, 10))
        .slice(1),
    ).toEqual([...new Set(missed)]);
    expect(new Set(fired(OFTEN)).size).toBe(fired(OFTEN).length);
  });
});

const wrongTitle =
  'skipped' in found
    ? `a worker’s clock two hours ahead (SKIPPED: ${found.skipped})`
    : 'a worker’s clock two hours ahead';

describe.skipIf('skipped' in found)(wrongTitle, () => {
  test('turns off nobody too early and drops no code: workers go by the clock of Redis', async () => {
    await using smtp = await startSmtpSandbox();
    await using world = await World.start({
      panel: { users: 5 },
      env: { SMTP_URL: smtp.url, EMAIL_FROM: 'vpn@example.com' },
    });
    await using clock = await FakeClock.start(library, hours(2));
    const worker = await world.startWorker(clock.env);
    world.panel!.addUser({ username: 'ends_in_an_hour', telegramId: 77, expireAt: Date.now() + hours(1) });
    const run = async (task: string, payload = {}) => {
      const { stdout } = await world.command(['dispatch', task, '--payload', JSON.stringify(payload), '--json']);
      const { job_id: id } = JSON.parse(stdout) as { job_id: string };
      return await worker.untilLogged(({ job_id, msg }) => job_id === id && msg.startsWith('task '));
    };
    expect(await run('disable_expired_users')).toMatchObject({ msg: 'task done', checked: 6, disabled: 0 });
    expect(world.panel!.user('ends_in_an_hour')).toMatchObject({ status: 'ACTIVE' });
    expect(await run('send_otp_email', { email: 'reader@example.com', otp_code: '1234' })).toMatchObject({ sent: 1 });
    expect(smtp.mails()).toHaveLength(1);
  });
});

const alertTitle =
  'skipped' in found
    ? `a worker whose clock is ten minutes off (SKIPPED: ${found.skipped})`
    : 'a worker whose clock is ten minutes off';

describe.skipIf('skipped' in found)(alertTitle, () => {
  test.each([-10, 10])(
    '%i minutes: what it has done counts at its true time, and nobody is alerted',
    async (offMinutes) => {
      await using world = await World.start({ env: { ADMIN_TELEGRAM_IDS: '900000001' } });
      await using clock = await FakeClock.start(library, minutes(offMinutes));
      await world.startScheduler();
      const wrong = await world.startWorker({ ...clock.env, [`SCHEDULE_${OFTEN.toUpperCase()}`]: '1s' });
      const success = async () =>
        Date.parse((await world.redisClient.hget('cybervpn:schedules:last_success', OFTEN)) ?? '');
      await until('it has noted a success', async () => !Number.isNaN(await success()), seconds(60));
      expect(Math.abs((await success()) - Date.now())).toBeLessThan(minutes(1));

      const right = await world.startWorker();
      await wrong.stop();
      const { stdout } = await world.command(['dispatch', 'check_anomalies', '--payload', '{}', '--json']);
      const { job_id: id } = JSON.parse(stdout) as { job_id: string };
      const done = await right.untilLogged(({ job_id, msg }) => job_id === id && msg.startsWith('task '));
      expect(done).toMatchObject({ msg: 'task done', began: 0 });
      expect(world.telegram.messages()).toEqual([]);
    },
  );
});

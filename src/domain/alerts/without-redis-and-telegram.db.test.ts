import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { probeRedis } from '../../repositories/redis/probe-redis.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import { RedisOutageWatch } from '../monitoring/redis-outage.ts';

/** A look each second instead of each half a minute. All else takes the time that it takes. */
const LOOK_MS = { here: seconds(1), shipped: seconds(30) };
/** The first look comes up to one interval after the beginning, and the third one that finds Redis away is the outage. */
const LOOKS = 3;
const [ANNA, BORIS] = [900000001, 900000002];

let smtp: SmtpSandbox;
let world: TestApp;
let mailsBefore = 0;
beforeAll(async () => {
  smtp = await startSmtpSandbox();
  world = await testApp({
    ADMIN_TELEGRAM_IDS: `${ANNA},${BORIS}`,
    ALERT_EMAILS: 'ops@cybervpn.test',
    SMTP_URL: smtp.url,
    EMAIL_FROM: 'CyberVPN <alerts@cybervpn.test>',
    PUBLIC_URL: 'https://worker.cybervpn.test',
  });
  world.redis.client.on('error', () => undefined);
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await smtp[Symbol.asyncDispose]();
});
beforeEach(async () => {
  if (world.redis.server.pid === undefined) await world.redis.server.restart();
  await world.database.pool.query('truncate notification_queue cascade');
  await world.redis.client.flushall();
  world.telegram.faults();
  world.telegram.reset();
  smtp.refuse(undefined);
  mailsBefore = smtp.mails().length;
});

const ping = () => probeRedis(world.app.redis);
const watching = () => {
  const { log, services } = world.app;
  const clock = () => new Date();
  return new RedisOutageWatch({
    watch: services.serviceWatch,
    ping,
    clock,
    log,
    isWanted: async () => true,
    everyMs: LOOK_MS.here,
  });
};
/** The panel and Crypto Pay are away in this world too, and are told as well. */
const mails = () =>
  smtp
    .mails()
    .slice(mailsBefore)
    .map(({ subject }) => subject)
    .filter((subject) => /Redis/.test(subject));
const CRITICAL = expect.stringMatching(/^CyberVPN CRITICAL: .*Redis/);
const rowsOf = async (type: string) =>
  (
    await world.database.pool.query<{ status: string; error_message: string | null }>(
      'select status, error_message from notification_queue where notification_type = $1',
      [type],
    )
  ).rows;
const bothBack = async () => {
  await world.redis.server.restart();
  world.telegram.faults();
  await until('Redis answers', () =>
    ping().then(
      () => true,
      () => false,
    ),
  );
};
/** All that waits is due, and is delivered as long as there is something. */
const told = async (): Promise<string[]> => {
  for (let i = 0; i < 2; i += 1) {
    await world.database.pool.query("update notification_queue set scheduled_at = now() where status = 'pending'");
    await world.run('process_notification_queue');
  }
  return world.telegram.messages().map(({ visible }) => visible);
};

test.each([
  { dead: 'refuses', fault: { kind: 'error', status: 502 } },
  { dead: 'is silent', fault: { kind: 'hang' } },
] as const)(
  'Redis is dead and Telegram $dead: the mail is there in under two minutes; both back: not told again',
  async ({ fault }) => {
    using _ = watching();
    world.telegram.faults(fault);
    await world.redis.server.stop();
    const startedAt = performance.now();
    await until('the mail has come', () => mails().length > 0, minutes(2));
    const tookMs = performance.now() - startedAt;
    expect(tookMs + LOOKS * (LOOK_MS.shipped - LOOK_MS.here)).toBeLessThan(minutes(2));
    expect(mails()).toEqual([CRITICAL]);
    // More looks while both are away tell nobody again.
    await sleep(LOOKS * LOOK_MS.here);
    expect(mails()).toHaveLength(1);
    const way = { status: 'failed', error_message: 'told_another_way' };
    await expect.poll(() => rowsOf('alert:service_down_redis'), { timeout: seconds(60) }).toEqual([way, way]);
    expect(mails()).toHaveLength(1);

    await bothBack();
    await until('its end waits', async () => (await rowsOf('alert:service_down_redis_ended')).length === 2);
    await until('its end has come by mail', async () => {
      await world.run('escalate_alerts');
      return mails().length > 1;
    });
    const messages = (await told()).filter((text) => /Redis/.test(text));
    expect(messages).toEqual(Array(2).fill(expect.stringMatching(/RESOLVED.*Redis/s)));
    expect(mails()).toEqual([CRITICAL, expect.stringMatching(/^CyberVPN RESOLVED: .*Redis/)]);
  },
  240_000,
);

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { hours, minutes, seconds } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import type { AlertAnswers } from './alert-answers.ts';
import type { AlertCondition, AlertStates, EndedAlert } from './alert-states.ts';

const START = new Date('2026-11-20T10:00:00Z');
const later = (ms: number): Date => new Date(START.getTime() + ms);
const [ANNA, BORIS, VERA] = [900000001, 900000002, 900000003];
const NODE = 'node_offline:a';
const condition: AlertCondition = {
  ...{ id: NODE, kind: 'node_offline', severity: 'critical', subject: 'a', since: START },
};
const began = ({ subject }: AlertCondition) => html`🚨 <b>CRITICAL</b> down: ${subject}`;
const ended = ({ subject, told }: EndedAlert) => html`${told ? 'up' : 'was down'}: ${subject}`;

describe('alerts that nobody answers', () => {
  let world: TestApp;
  let smtp: SmtpSandbox;
  let mailsBefore = 0;
  let answers: AlertAnswers;
  let states: AlertStates;
  beforeAll(async () => {
    smtp = await startSmtpSandbox();
    world = await testApp({
      ADMIN_TELEGRAM_IDS: `${ANNA},${BORIS},${VERA}`,
      ON_CALL: `${BORIS},${ANNA}`,
      ALERT_EMAILS: 'ops@cybervpn.test',
      SMTP_URL: smtp.url,
      EMAIL_FROM: 'CyberVPN <alerts@cybervpn.test>',
      PUBLIC_URL: 'https://worker.cybervpn.test',
    });
    ({ alertAnswers: answers, alertStates: states } = world.app.parts);
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await smtp[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    await world.database.pool.query('truncate notification_queue cascade');
    await world.redis.client.flushall();
    world.telegram.faults();
    world.telegram.reset();
    smtp.refuse(undefined);
    mailsBefore = smtp.mails().length;
  });

  const begin = (at = START) => states.begin([condition], began, at);
  const end = (at: Date) => states.end([{ id: NODE, at }], ended, at);
  const climb = (at: Date) => world.run('escalate_alerts', {}, { now: at });
  /** What Telegram took of what waits, to whom. */
  const deliver = async (): Promise<[chat: number, text: string][]> => {
    world.telegram.reset();
    await world.run('process_notification_queue');
    return world.telegram.messages().map((one) => [one.chat_id, one.visible]);
  };
  const mails = () =>
    smtp
      .mails()
      .slice(mailsBefore)
      .map(({ subject }) => subject);
  const DOWN = '🚨 CRITICAL down: a\n\n📖 What to do\n\n🕒 2026-11-20 10:00 UTC';

  test('the first on call is told, then the next, then all, then it goes by mail; each ten minutes, each once', async () => {
    await begin();
    expect(await deliver()).toEqual([[BORIS, DOWN]]);
    expect(await climb(later(minutes(9)))).toMatchObject({ looked: 1, told: 0 });
    expect(await climb(later(minutes(10)))).toMatchObject({ told: 1 });
    expect(await deliver()).toEqual([[ANNA, `${DOWN}\n\n⏫ Nobody has acknowledged it for 10 min.`]]);
    expect(await climb(later(minutes(19)))).toMatchObject({ told: 0 });
    // Two workers at the same moment.
    await Promise.all([climb(later(minutes(20))), climb(later(minutes(20)))]);
    expect(await deliver()).toEqual([[VERA, expect.stringContaining('for 20 min')]]);
    expect(mails()).toEqual([]);
    await Promise.all([climb(later(minutes(30))), climb(later(minutes(30)))]);
    await Promise.all([climb(later(minutes(30))), climb(later(minutes(31)))]);
    expect(mails()).toEqual(['CyberVPN CRITICAL: down: a']);
    const mail = smtp.mails().at(-1);
    expect(mail).toMatchObject({ to: ['ops@cybervpn.test'] });
    expect(mail!.text).toContain('https://worker.cybervpn.test/alerts');
    for (let i = 32; i < 60; i += 9) await climb(later(minutes(i)));
    expect([await deliver(), mails().length]).toEqual([[], 1]);
    // Its end goes to all who were told, by both ways.
    await end(later(minutes(61)));
    await climb(later(minutes(61)));
    expect(new Map(await deliver())).toEqual(new Map([ANNA, BORIS, VERA].map((chat) => [chat, 'up: a'])));
    expect(mails()[1]).toBe('CyberVPN RESOLVED: up: a');
    await climb(later(minutes(62)));
    expect(mails()).toHaveLength(2);
  });

  test('acknowledged: silence; and its end goes only to those who were told of its beginning', async () => {
    await begin();
    await deliver();
    await answers.acknowledge(NODE, 'telegram:900000002', later(minutes(1)));
    for (const at of [10, 20, 30, 600]) expect(await climb(later(minutes(at)))).toMatchObject({ told: 0 });
    expect([await deliver(), mails()]).toEqual([[], []]);
    await end(later(hours(11)));
    expect(await deliver()).toEqual([[BORIS, 'up: a']]);
  });

  test('a worker that dies between the telling of a step and its note leaves it to the next, which tells nobody twice', async () => {
    await begin();
    await deliver();
    const before = await world.redis.client.hgetall('cybervpn:alerts:on');
    await climb(later(minutes(10)));
    await world.redis.client.hset('cybervpn:alerts:on', before);
    expect(await deliver()).toHaveLength(1);
    await climb(later(minutes(11)));
    expect(await deliver()).toEqual([]);
    expect(await climb(later(minutes(20)))).toMatchObject({ told: 0 });
    await climb(later(minutes(21)));
    expect(await deliver()).toEqual([[VERA, expect.stringContaining('down: a')]]);
  });

  test('Telegram is dead: the mail is there in under two minutes, and once it is back nobody is told again', async () => {
    await begin();
    world.telegram.faults({ kind: 'error', status: 502 });
    for (let at = 0; at < minutes(2); at += seconds(30)) {
      const signal = AbortSignal.timeout(200);
      await world.run('process_notification_queue', {}, { signal }).catch(() => undefined);
      await climb(later(at));
    }
    expect(mails()).toEqual(['CyberVPN CRITICAL: down: a']);
    world.telegram.faults();
    await world.database.pool.query("update notification_queue set scheduled_at = now() where status = 'pending'");
    for (const at of [3, 10, 20, 30, 40]) await climb(later(minutes(at)));
    expect([await deliver(), mails().length]).toEqual([[], 1]);
    await begin(later(minutes(41)));
    await end(later(minutes(42)));
    await climb(later(minutes(42)));
    expect(mails()[1]).toBe('CyberVPN RESOLVED: up: a');
  }, 60_000);

  test('a mail server that is down too is asked again with growing pauses, until somebody acknowledges', async () => {
    await begin();
    smtp.refuse(451);
    const tried: number[] = [];
    for (let at = 60; at <= 20 * 60; at += 30) {
      const { put_off } = await climb(later(seconds(at)));
      if (Number(put_off) > 0) tried.push(at);
    }
    expect(tried).toEqual([60, 90, 150, 270, 510, 990]);
    await answers.acknowledge(NODE, 'token:olga', later(minutes(21)));
    smtp.refuse(undefined);
    await climb(later(hours(2)));
    expect(mails()).toEqual([]);
  }, 60_000);

  test('what is still on when its mute ends is told again, once, unless somebody has acknowledged it', async () => {
    await begin();
    await deliver();
    await answers.mute(NODE, later(hours(1)).getTime(), 'token:olga', later(minutes(1)));
    for (const at of [10, 20, 59]) expect(await climb(later(minutes(at)))).toMatchObject({ looked: 0, told: 0 });
    await Promise.all([climb(later(hours(1))), climb(later(hours(1)))]);
    await climb(later(hours(1) + seconds(30)));
    expect(await deliver()).toEqual([[BORIS, DOWN]]);
    await answers.acknowledge(NODE, 'token:olga', later(hours(1.1)));
    await answers.mute(NODE, later(hours(2)).getTime(), 'token:olga', later(hours(1.2)));
    await climb(later(hours(3)));
    expect(await deliver()).toEqual([]);
    await end(later(hours(4)));
    expect(await deliver()).toEqual([[BORIS, 'up: a']]);
  });

  test('one that began while it was muted is told when the mute ends; unmuting it ends the mute', async () => {
    await begin();
    await answers.mute(NODE, later(hours(1)).getTime(), 'token:olga', START);
    await end(later(minutes(1)));
    const since = later(minutes(2));
    await states.begin([{ ...condition, since }], began, since);
    await climb(later(minutes(3)));
    expect(await deliver()).toEqual([]);
    await answers.unmute(NODE, 'token:olga', later(minutes(4)));
    await climb(later(minutes(4)));
    expect(await deliver()).toEqual([[BORIS, '🚨 CRITICAL down: a\n\n📖 What to do\n\n🕒 2026-11-20 10:02 UTC']]);
    await end(later(minutes(6)));
    expect(await deliver()).toEqual([[BORIS, 'up: a']]);
  });

  test('after a loss of Redis without history it is told again, with why, after the time of a step', async () => {
    await begin();
    await deliver();
    await answers.acknowledge(NODE, 'token:olga', later(minutes(1)));
    await world.redis.client.flushall();
    await states.recall('nodes', [condition], later(minutes(2)));
    await begin(later(minutes(3)));
    await climb(later(minutes(4)));
    expect(await deliver()).toEqual([]);
    await climb(later(minutes(13)));
    expect(await deliver()).toEqual([[BORIS, expect.stringContaining('Told again: Redis was emptied')]]);
  });

  test('a critical alert of what happened once climbs too, and is acknowledged by its kind and subject', async () => {
    const raise = () =>
      world.app.services.alerts.raise({
        ...{ kind: 'payment_unresolved', subject: '7', severity: 'critical', at: START },
        ...{ message: () => html`whose is payment 7?`, onceWithinMs: hours(24) },
      });
    await raise();
    expect((await deliver()).map(([chat]) => chat)).toEqual([BORIS]);
    const at = (ms: number): Date => new Date(Date.now() + ms);
    await climb(at(minutes(11)));
    expect((await deliver()).map(([chat]) => chat)).toEqual([ANNA]);
    await raise();
    expect(await deliver()).toEqual([]);
    expect(await answers.mute('payment_unresolved:7', Date.now() + hours(1), 'token:olga')).toEqual({ kind: 'over' });
    expect(await answers.acknowledge('payment_unresolved:7', 'token:olga')).toEqual({ kind: 'done' });
    await raise();
    await climb(at(minutes(33)));
    expect([await deliver(), mails()]).toEqual([[], []]);
    await climb(at(hours(25)));
    expect(await answers.once(at(hours(25)))).toEqual([]);
  });
});

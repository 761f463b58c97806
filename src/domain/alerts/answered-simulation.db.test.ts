import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SmtpSandbox, startSmtpSandbox } from '../../../sandbox/smtp/server.ts';
import { minutes, seconds } from '../../lib/duration.ts';
import { html } from '../../lib/html.ts';
import { installOwnSchema } from '../../repositories/history/own-schema.ts';
import { chances } from '../../testing/chances.ts';
import { type TestApp, testApp } from '../../testing/test-app.ts';
import { until } from '../../testing/until.ts';
import type { AlertCondition, EndedAlert } from './alert-states.ts';

const START = new Date('2026-11-20T10:00:00Z');
const STEP_MS = seconds(30);
const STEPS = 200;
const CHATS = [900000001, 900000002, 900000003];
const IDS = ['critical:a', 'critical:b', 'critical:c', 'warning:d', 'warning:e'];
/** The promise of the second way. */
const HEARD_MS = minutes(2);

/** What somebody got. */
type Told = { at: Date; to: number | 'mail'; id: string; since: string; what: 'begin' | 'up' };
type Life = { id: string; since: Date; endedAt?: Date; acknowledgedAt?: Date };
type Silence = { id: string; from: Date; to: Date };

const minuteOf = (at: Date): string => at.toISOString().slice(0, 16).replace('T', ' ');
const began = ({ id, since }: AlertCondition) => html`begin ${id} since ${minuteOf(since)}`;
const ended = ({ id, since }: EndedAlert) => html`up ${id} since ${minuteOf(since)}`;
const read = (text: string, at: Date, to: Told['to']): Told[] =>
  [...text.matchAll(/(begin|up) (\w+:\w) since (\S+ \d\d:\d\d)/g)].map(([, what, id, since]) => ({
    ...{ at, to, id: id!, since: since! },
    what: what as Told['what'],
  }));

describe('alerts, and people who acknowledge, mute and sleep', () => {
  let world: TestApp;
  let smtp: SmtpSandbox;
  beforeAll(async () => {
    smtp = await startSmtpSandbox();
    world = await testApp({
      ADMIN_TELEGRAM_IDS: CHATS.join(','),
      ON_CALL: `${CHATS[1]},${CHATS[0]}`,
      ALERT_EMAILS: 'ops@cybervpn.test',
      SMTP_URL: smtp.url,
      EMAIL_FROM: 'alerts@cybervpn.test',
    });
  });
  afterAll(async () => {
    await world[Symbol.asyncDispose]();
    await smtp[Symbol.asyncDispose]();
  });

  test.each([7, 20_261_130])(
    'seed %i: nobody is told of what somebody has acknowledged; nothing critical stays unheard',
    async (seed) => {
      const chance = chances(seed);
      const { database, redis, telegram } = world;
      const { alertAnswers: answers, alertStates: states } = world.app.parts;
      await database.pool.query('truncate notification_queue cascade');
      await database.pool.query('drop schema if exists task_worker cascade');
      await installOwnSchema(world.app.database);
      await redis.client.flushall();
      telegram.faults();
      let mailsSeen = smtp.mails().length;
      let now = START;
      const on = new Map<string, Life>();
      const lives: Life[] = [];
      const silences: Silence[] = [];
      const told: Told[] = [];
      const flushAt = 60 + Math.floor(chance() * 80);
      const conditionOf = ({ id, since }: Life): AlertCondition => ({
        ...{ id, kind: `unreadable_${id.replace(':', '_')}` as const, subject: id, since },
        severity: id.startsWith('critical') ? 'critical' : 'warning',
      });

      const deliver = async (): Promise<void> => {
        telegram.reset();
        const passing = setInterval(() => {
          void redis.client.del(...CHATS.map((chat) => `cybervpn:{telegram}:slot:${chat}`));
        }, 5);
        await world.run('process_notification_queue', {}, { now }).finally(() => clearInterval(passing));
        for (const { chat_id: chat, visible } of telegram.messages()) told.push(...read(visible, now, chat));
      };
      /** Nobody is awake in the third quarter. */
      const answer = async (step: number): Promise<void> => {
        if (step >= STEPS / 2 && step < (STEPS * 3) / 4) return;
        for (const life of on.values()) {
          const by = `telegram:${CHATS[Math.floor(chance() * 3)]}`;
          if (chance() < 0.02 && (await answers.acknowledge(life.id, by, now)).kind === 'done')
            life.acknowledgedAt = now;
          if (chance() > 0.015) continue;
          const to = new Date(now.getTime() + minutes(5 + Math.floor(chance() * 20)));
          if ((await answers.mute(life.id, to.getTime(), by, now)).kind === 'done')
            silences.push({ id: life.id, from: now, to });
        }
      };

      for (let step = 0; step < STEPS; step += 1) {
        const over: Life[] = [];
        for (const id of IDS) {
          const life = on.get(id);
          if (life && chance() < 0.02) over.push(Object.assign(life, { endedAt: now }));
          if (!life && step % 2 === 0 && chance() < 0.06) {
            const fresh = { id, since: now };
            on.set(id, fresh);
            lives.push(fresh);
          }
        }
        for (const { id } of over) on.delete(id);
        if (step === flushAt) {
          await until('all answers are in the history', async () => {
            const { rows } = await database.pool.query(
              'select count(*)::int as n from task_worker.alerts where acknowledged_at is not null',
            );
            return rows[0].n === lives.filter(({ acknowledgedAt }) => acknowledgedAt).length;
          });
          await redis.client.flushall();
        }
        const isAway = step % 60 >= 40;
        if (step % 60 === 40) telegram.faults({ kind: 'error', status: 502 });
        if (step % 60 === 0) telegram.faults();
        // The mail server fails at times when Telegram does not.
        smtp.refuse(step % 60 >= 10 && step % 60 < 20 ? 451 : undefined);

        await states.recall(
          'test',
          IDS.map((id) => conditionOf({ id, since: now })),
          now,
        );
        // Two workers look at the same moment.
        await Promise.all([1, 2].map(() => states.begin([...on.values()].map(conditionOf), began, now)));
        await states.end(
          over.map(({ id }) => ({ id, at: now })),
          ended,
          now,
        );
        await answer(step);
        await Promise.all([1, 2].map(() => world.run('escalate_alerts', {}, { now })));
        if (!isAway) await deliver();
        for (const { text } of smtp.mails().slice(mailsSeen)) told.push(...read(text, now, 'mail'));
        mailsSeen = smtp.mails().length;
        now = new Date(now.getTime() + STEP_MS);
        await database.pool.query(
          `update notification_queue set scheduled_at = scheduled_at - $1::interval, created_at = created_at - $1::interval,
                                       sent_at = sent_at - $1::interval`,
          [`${STEP_MS} milliseconds`],
        );
      }

      const problems: string[] = [];
      const say = (ok: boolean, what: string, about: object): void =>
        void (ok || problems.push(`${what}: ${JSON.stringify(about)}`));
      for (const life of lives) {
        const { acknowledgedAt, endedAt = now, id, since } = life;
        const about = told.filter((one) => one.id === id && one.since === minuteOf(since));
        const begins = about.filter(({ what }) => what === 'begin');
        const muted = silences.filter((one) => one.id === id && one.from < endedAt && one.to > since);
        say(!begins.some(({ at }) => acknowledgedAt && at > acknowledgedAt), 'told after it was acknowledged', {
          life,
          begins,
        });
        say(!begins.some(({ at }) => endedAt < at), 'told as on after its end', { life, begins });
        say(!begins.some(({ at }) => muted.some(({ from, to }) => at > from && at < to)), 'told while muted', {
          life,
          muted,
          begins,
        });
        // Once, once after each mute, and once where Redis has lost that it was told by mail.
        for (const to of [...CHATS, 'mail' as const]) {
          const times = begins.filter((one) => one.to === to).length;
          const mayBe = 1 + muted.length + (to === 'mail' ? 1 : 0);
          say(times <= mayBe, 'twice', { life, to, begins });
        }
        if (!id.startsWith('critical')) continue;
        // Each time from which it is on and nobody has silenced it.
        for (const from of [since, ...muted.map(({ to }) => to)]) {
          const isMuted = muted.some((one) => one.from.getTime() <= from.getTime() + HEARD_MS && one.to > from);
          const silentAt = acknowledgedAt ?? endedAt;
          if (isMuted || from >= endedAt || silentAt.getTime() - from.getTime() <= HEARD_MS) continue;
          const heard = begins.some(({ at }) => at >= from && at.getTime() - from.getTime() <= HEARD_MS);
          say(heard, 'unheard', { life, from, begins });
        }
      }
      expect(problems).toEqual([]);
      // The seed has brought what it is there for.
      expect(lives.filter(({ acknowledgedAt }) => acknowledgedAt).length).toBeGreaterThan(1);
      expect(silences.length).toBeGreaterThan(1);
      expect(told.filter(({ to, what }) => to === 'mail' && what === 'begin').length).toBeGreaterThan(1);
    },
    120_000,
  );
});
